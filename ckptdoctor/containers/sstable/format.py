"""The parts of a table and their encodings.

    table        := data_block* meta_block* metaindex_block index_block footer
    stored block := block compression:uint8 masked_crc:fixed32          the crc covers block and compression
    block handle := varint(offset) varint(size)                         size without the five bytes above
    footer       := handle(metaindex) handle(index) zeros to 40 bytes magic:fixed64

Numbers are little-endian.

Source: LevelDB, doc/table_format.md and table/format.h; TensorFlow, tensorflow/core/lib/io/format.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ckptdoctor.containers.varint import encode_varint, read_varint

MAGIC = 0xDB4775248B80FB57
FOOTER_SIZE = 48
TRAILER_SIZE = 5
UNCOMPRESSED, SNAPPY = 0, 1

_HANDLES_SIZE = 40


@dataclass(frozen=True, slots=True)
class BlockHandle:
    """Where a block lies: its offset and size in bytes, the trailer not counted."""

    offset: int
    size: int

    def encode(self) -> bytes:
        """The handle's two varints."""
        return encode_varint(self.offset) + encode_varint(self.size)


def read_handle(data: bytes | memoryview, position: int = 0) -> tuple[BlockHandle, int]:
    """The block handle at `position`, and the position after it.

    Raises:
        ValueError: a varint is damaged.
    """
    offset, position = read_varint(data, position)
    size, position = read_varint(data, position)
    return BlockHandle(offset, size), position


@dataclass(frozen=True, slots=True)
class Footer:
    """The end of a table: where its metaindex block and its index block lie."""

    metaindex: BlockHandle
    index: BlockHandle

    def encode(self) -> bytes:
        """The footer's 48 bytes."""
        handles = self.metaindex.encode() + self.index.encode()
        return handles.ljust(_HANDLES_SIZE, b"\0") + struct.pack("<Q", MAGIC)


def has_magic(tail: bytes | memoryview) -> bool:
    """Whether the last bytes of a file are a table's."""
    return len(tail) >= FOOTER_SIZE and struct.unpack("<Q", tail[-8:])[0] == MAGIC


def read_footer(data: bytes | memoryview) -> Footer:
    """The footer from its 48 bytes.

    Raises:
        ValueError: the magic number or a handle is wrong.
    """
    if not has_magic(data):
        raise ValueError("no table magic number")
    metaindex, position = read_handle(data)
    index, position = read_handle(data, position)
    if position > _HANDLES_SIZE:
        raise ValueError("the block handles run into the magic number")
    return Footer(metaindex, index)
