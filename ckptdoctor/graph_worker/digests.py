"""Values compared without handing them from process to process: with bytes in a file, else by their digests."""

from __future__ import annotations

import hashlib
from typing import Any, Iterable


def digest_of(parts: Iterable[Any]) -> str:
    """The SHA-256 of an array's bytes, little-endian and in row-major order; of strings, each behind its length.

    Args:
        parts: the array in parts, in their order.
    """
    import numpy

    digest = hashlib.sha256()
    for part in parts:
        if part.dtype == object:
            for text in part.reshape(-1):
                data = text if isinstance(text, bytes) else str(text).encode()
                digest.update(len(data).to_bytes(8, "little") + data)
        else:
            # A view as bytes, as some types (bfloat16, int4) are none that a buffer can have.
            digest.update(numpy.ascontiguousarray(part).reshape(-1).view(numpy.uint8).data)
    return digest.hexdigest()


_AT_ONCE = 1 << 22


def is_at(value: Any, places: Iterable[Any]) -> bool:
    """Whether an array's bytes are those that lie in files, one after the other: `[file, offset, size]` each."""
    import numpy

    data = numpy.ascontiguousarray(value).reshape(-1).view(numpy.uint8)
    position = 0
    for file, offset, size in places:
        if position + size > data.size:
            return False
        for start in range(0, size, _AT_ONCE):
            stop = min(start + _AT_ONCE, size)
            stored = numpy.memmap(file, numpy.uint8, "r", offset + start, (stop - start,))
            if not numpy.array_equal(data[position + start : position + stop], stored):
                return False
        position += size
    return position == int(data.size)
