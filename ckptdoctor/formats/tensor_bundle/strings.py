"""String tensors within a bundle.

    strings := varint(length)* masked_crc(lengths):fixed32 bytes*

The checksum of the lengths is taken over each of them as a fixed 32-bit number (64-bit above 2³² - 1). The entry's
checksum goes on from there: over the stored checksum, then over the bytes.

Source: TensorFlow, tensorflow/core/util/tensor_bundle/tensor_bundle.cc, `WriteStringTensor` and `ReadStringTensor`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from ckptdoctor.containers.varint import encode_varint, read_varint
from ckptdoctor.io import crc32c


def decode_strings(data: memoryview, count: int) -> tuple[list[bytes], int]:
    """The strings, and the masked checksum that their entry must record.

    Raises:
        ValueError: a length, the checksum of the lengths or the total size is wrong.
    """
    if count > len(data):
        raise ValueError(f"{count:,} strings in {len(data):,} bytes")
    lengths = []
    position = 0
    for _ in range(count):
        length, position = read_varint(data, position)
        lengths.append(length)
    if position + 4 + sum(lengths) != len(data):
        raise ValueError(f"strings of {sum(lengths):,} bytes do not fill the entry of {len(data):,}")
    crc = _lengths_crc(lengths)
    (stored,) = struct.unpack_from("<I", data, position)
    if crc32c.mask(crc) != stored:
        raise ValueError(f"masked crc {crc32c.mask(crc):#010x} of the lengths; expected {stored:#010x}")
    crc = crc32c.extend(crc, data[position:])
    position += 4
    strings = []
    for length in lengths:
        strings.append(bytes(data[position : position + length]))
        position += length
    return strings, crc32c.mask(crc)


def encode_strings(strings: Sequence[bytes]) -> tuple[bytes, int]:
    """The stored form of strings, and the masked checksum of their entry."""
    lengths = [len(text) for text in strings]
    crc = _lengths_crc(lengths)
    tail = struct.pack("<I", crc32c.mask(crc)) + b"".join(strings)
    return b"".join(map(encode_varint, lengths)) + tail, crc32c.mask(crc32c.extend(crc, tail))


def _lengths_crc(lengths: Sequence[int]) -> int:
    packed = b"".join(struct.pack("<I" if length < 1 << 32 else "<Q", length) for length in lengths)
    return crc32c.extend(0, packed)
