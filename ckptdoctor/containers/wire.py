"""Walking a protocol buffer message field by field, without parsing what it holds.

A V1 checkpoint keeps a tensor's bytes inside a message; to map them instead of copying them, their place must be known.

    message := (varint(number << 3 | type) value)*
    value   := type 0: varint | type 1: 8 bytes | type 2: varint(size) bytes | type 5: 4 bytes

Source: Protocol Buffers, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ckptdoctor.containers.varint import read_varint

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class WireField:
    """One field: its number, wire type and the place of its value, `start` and `end` being positions in the data.

    For a varint the value itself is in `varint`.
    """

    number: int
    type: int
    start: int
    end: int
    varint: int = 0


def walk(data: memoryview, start: int, end: int) -> Iterator[WireField]:
    """The fields of the message between two positions.

    Raises:
        ValueError: a field is truncated, reaches outside the message or has an unknown wire type.
    """
    position = start
    while position < end:
        tag, position = read_varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        varint = 0
        first = position
        if wire_type == VARINT:
            varint, position = read_varint(data, position)
        elif wire_type == BYTES:
            size, first = read_varint(data, position)
            position = first + size
        elif wire_type == FIXED64:
            position += 8
        elif wire_type == FIXED32:
            position += 4
        else:
            raise ValueError(f"unknown wire type {wire_type} of field {number}")
        if position > end:
            raise ValueError(f"field {number} reaches outside its message")
        yield WireField(number, wire_type, first, position, varint)
