"""Writing a table, byte for byte as LevelDB's and TensorFlow's builders do.

Source: LevelDB, table/table_builder.cc and util/comparator.cc; TensorFlow, tensorflow/core/lib/io/table_builder.cc.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from ckptdoctor.containers.sstable.block import BlockBuilder
from ckptdoctor.containers.sstable.format import UNCOMPRESSED, BlockHandle, Footer
from ckptdoctor.io import crc32c

BLOCK_SIZE = 262_144
"""Bytes after which a data block is closed.

Source: TensorFlow, tensorflow/core/lib/io/table_options.h, `Options::block_size`; confirmed by comparing bytes.
"""

_DATA_RESTART_INTERVAL = 16
_INDEX_RESTART_INTERVAL = 1


class TableWriter:
    """Writes a table of uncompressed blocks to a stream; keys in strictly ascending order.

    Raises:
        ValueError: a key is not above the one before it.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._offset = 0
        self._block = BlockBuilder(_DATA_RESTART_INTERVAL)
        self._index = BlockBuilder(_INDEX_RESTART_INTERVAL)
        self._closed: tuple[bytes, BlockHandle] | None = None
        self._last_key: bytes | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Appends an entry."""
        if self._last_key is not None and key <= self._last_key:
            raise ValueError(f"key {key!r} follows {self._last_key!r}")
        if self._closed:
            last, handle = self._closed
            self._index.add(shortest_separator(last, key), handle.encode())
            self._closed = None
        self._block.add(key, value)
        self._last_key = key
        if self._block.size >= BLOCK_SIZE:
            self._close_block()

    def _close_block(self) -> None:
        self._closed = (self._block.last_key, self._store(self._block.finish()))
        self._block = BlockBuilder(_DATA_RESTART_INTERVAL)

    def _store(self, block: bytes) -> BlockHandle:
        stored = block + bytes([UNCOMPRESSED])
        self._out.write(stored + struct.pack("<I", crc32c.masked(stored)))
        handle = BlockHandle(self._offset, len(block))
        self._offset += len(stored) + 4
        return handle

    def finish(self) -> None:
        """Writes what is left, the metaindex block, the index block and the footer; the stream stays open."""
        if not self._block.empty:
            self._close_block()
        metaindex = self._store(BlockBuilder(_INDEX_RESTART_INTERVAL).finish())
        if self._closed:
            last, handle = self._closed
            self._index.add(short_successor(last), handle.encode())
        index = self._store(self._index.finish())
        self._out.write(Footer(metaindex, index).encode())


def shortest_separator(low: bytes, high: bytes) -> bytes:
    """A short key that is at least `low` and below `high` (`FindShortestSeparator`)."""
    shared = 0
    while shared < min(len(low), len(high)) and low[shared] == high[shared]:
        shared += 1
    if shared < min(len(low), len(high)) and low[shared] < 0xFF and low[shared] + 1 < high[shared]:
        return low[:shared] + bytes([low[shared] + 1])
    return low


def short_successor(key: bytes) -> bytes:
    """A short key that is at least `key` (`FindShortSuccessor`)."""
    for position, byte in enumerate(key):
        if byte != 0xFF:
            return key[:position] + bytes([byte + 1])
    return key
