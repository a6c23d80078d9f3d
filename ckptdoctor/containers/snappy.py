"""Snappy blocks (the raw format, without framing).

    block := varint(bytes when unfolded) element*

Source: Snappy, format_description.txt.
"""

from __future__ import annotations

import cramjam

from ckptdoctor.containers.varint import read_varint
from ckptdoctor.limits import MAX_SNAPPY_OUTPUT, MAX_SNAPPY_RATIO


def unfold(data: memoryview) -> bytes:
    """The bytes that a Snappy block holds.

    Raises:
        ValueError: the block is damaged, or unfolds to more than the ceilings in `limits` allow.
    """
    size, _ = read_varint(data, 0)
    if size > min(MAX_SNAPPY_OUTPUT, MAX_SNAPPY_RATIO * len(data)):
        raise ValueError(f"a Snappy block of {len(data):,} bytes claims to unfold to {size:,}")
    try:
        result = bytes(cramjam.snappy.decompress_raw(bytes(data)))
    except cramjam.DecompressionError as error:
        raise ValueError(f"damaged Snappy block: {error}") from error
    if len(result) != size:
        raise ValueError(f"a Snappy block unfolds to {len(result):,} bytes and not to {size:,}")
    return result
