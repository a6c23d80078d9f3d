"""Varints: seven bits a byte, least significant first, the top bit set on all but the last.

    varint := (1xxxxxxx)* 0xxxxxxx        at most 10 bytes for 64 bits

Source: LevelDB, util/coding.cc, `GetVarint64Ptr`; Protocol Buffers, "Encoding", base 128 varints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_BYTES = 10
_MASK64 = (1 << 64) - 1


def read_varint(data: Sequence[int], position: int) -> tuple[int, int]:
    """The unsigned 64-bit varint at `position`, and the position after it.

    Raises:
        ValueError: it is truncated, longer than ten bytes or above 64 bits.
    """
    value = shift = 0
    end = min(len(data), position + _MAX_BYTES)
    while position < end:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > _MASK64:
                raise ValueError("varint above 64 bits")
            return value, position
        shift += 7
    raise ValueError("truncated varint")


def encode_varint(value: int) -> bytes:
    """A non-negative integer as a varint."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_packed_varints(data: memoryview) -> NDArray[np.uint64]:
    """All varints of a packed field, as unsigned 64-bit integers.

    Raises:
        ValueError: the last one is truncated, or one is longer than ten bytes.
    """
    import numpy as np

    octets = np.frombuffer(data, dtype=np.uint8)
    if not octets.size:
        return np.zeros(0, dtype=np.uint64)
    ends = np.flatnonzero(octets < 0x80)
    if not ends.size or ends[-1] != octets.size - 1:
        raise ValueError("truncated varint")
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if int(lengths.max()) > _MAX_BYTES:
        raise ValueError("varint longer than ten bytes")
    within = np.arange(octets.size) - np.repeat(starts, lengths)
    parts = (octets & 0x7F).astype(np.uint64) << (within * 7).astype(np.uint64)
    return np.bitwise_or.reduceat(parts, starts)
