"""Reading a table: the index at once, each data block when it is wanted."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from ckptdoctor.containers import snappy
from ckptdoctor.containers.sstable.block import read_entries
from ckptdoctor.containers.sstable.format import (
    FOOTER_SIZE,
    SNAPPY,
    TRAILER_SIZE,
    UNCOMPRESSED,
    BlockHandle,
    read_footer,
    read_handle,
)
from ckptdoctor.errors import Corrupt
from ckptdoctor.io import crc32c
from ckptdoctor.io.stored_file import Range, StoredFile
from ckptdoctor.limits import MAX_METADATA_BLOCK

_CHECKSUM = 4
_DAMAGED = "The file is damaged: fetch it again, or use another step's checkpoint."


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the table: `data[start:end]`.

    `file_offset` is where the value starts in the file, or None where it was stored compressed.
    """

    data: memoryview
    start: int
    end: int
    file_offset: int | None

    def __bytes__(self) -> bytes:
        return bytes(self.data[self.start : self.end])


class TableReader:
    """A sorted string table.

    Raises:
        Corrupt: the footer or the index block is damaged.
    """

    def __init__(self, file: StoredFile) -> None:
        self.file = file
        footer_offset = max(0, file.size - FOOTER_SIZE)
        try:
            footer = read_footer(file.view(footer_offset, file.size - footer_offset, "footer"))
        except ValueError as error:
            raise self._corrupt("footer", footer_offset, error) from error
        self._last_keys: list[bytes] = []
        self._handles: list[BlockHandle] = []
        metaindex, stored = file.read_ranges([_stored(footer.metaindex), _stored(footer.index)], "index block")
        self._unpacked(footer.metaindex, metaindex, "metaindex block", self._crc(metaindex))
        index = self._unpacked(footer.index, stored, "index block", self._crc(stored))
        try:
            for key, start, end in read_entries(index):
                self._last_keys.append(key)
                self._handles.append(read_handle(index[start:end])[0])
        except ValueError as error:
            raise self._corrupt("index block", footer.index.offset, error) from error

    def _corrupt(self, structure: str, offset: int, reason: object) -> Corrupt:
        return Corrupt(self.file.path, structure, str(reason), offset=offset, hint=_DAMAGED)

    @staticmethod
    def _crc(stored: memoryview) -> int:
        return crc32c.masked(stored[:-_CHECKSUM])

    def _unpacked(self, handle: BlockHandle, stored: memoryview, structure: str, crc: int | None) -> memoryview:
        """A block's bytes out of what is stored; a view where they are stored uncompressed.

        Args:
            handle: where the block is.
            stored: the block and its trailer.
            structure: what the block is.
            crc: the masked checksum of the block and its type, to be compared; None where it is not.
        """
        compression = stored[handle.size]
        (expected,) = struct.unpack_from("<I", stored, handle.size + 1)
        if crc not in (None, expected):
            raise Corrupt(
                self.file.path,
                structure,
                f"masked crc {crc:#010x}",
                offset=handle.offset,
                expected=f"{expected:#010x}",
                hint=_DAMAGED,
            )
        if compression == UNCOMPRESSED:
            return stored[: handle.size]
        if compression == SNAPPY:
            try:
                return memoryview(snappy.unfold(stored[: handle.size]))
            except ValueError as error:
                raise self._corrupt(structure, handle.offset, error) from error
        raise Corrupt(
            self.file.path,
            structure,
            f"compression {compression}",
            offset=handle.offset,
            expected="0 (none) or 1 (Snappy)",
            hint=_DAMAGED,
        )

    def _entries(self, handle: BlockHandle, *, check: bool) -> Iterator[tuple[bytes, Value]]:
        """The entries of a data block, which may be large: its bytes are not all looked at, only checked in passing."""
        stored = self.file.view(*_stored(handle), "data block")
        crc = crc32c.mask(crc32c.of_range(self.file, handle.offset, handle.size + 1)) if check else None
        block = self._unpacked(handle, stored, "data block", crc)
        mapped = stored[handle.size] == UNCOMPRESSED
        try:
            for key, start, end in read_entries(block):
                yield key, Value(block, start, end, handle.offset + start if mapped else None)
        except ValueError as error:
            raise self._corrupt("data block", handle.offset, error) from error

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Every entry in order, as bytes; every block's checksum is compared. An index of a million entries needs this
        loop to do nothing else.

        Raises:
            Corrupt: a block is damaged.
        """
        blocks = self.file.read_ranges([_stored(handle) for handle in self._handles], "data block")
        for handle, stored in zip(self._handles, blocks, strict=True):
            block = bytes(self._unpacked(handle, stored, "data block", self._crc(stored)))
            try:
                for key, start, end in read_entries(block):
                    yield key, block[start:end]
            except ValueError as error:
                raise self._corrupt("data block", handle.offset, error) from error

    def first(self) -> tuple[bytes, Value] | None:
        """The first entry, or None in an empty table. Only its own part of the file is read.

        Raises:
            Corrupt: the first block is damaged.
        """
        if not self._handles:
            return None
        handle = self._handles[0]
        # A block of a V1 file may hold hundreds of megabytes after its first entry; such a one is checked when read.
        return next(self._entries(handle, check=handle.size <= MAX_METADATA_BLOCK), None)

    def __iter__(self) -> Iterator[tuple[bytes, Value]]:
        """Every entry in order, every block's checksum compared.

        Raises:
            Corrupt: a block is damaged.
        """
        for handle in self._handles:
            yield from self._entries(handle, check=True)

    def get(self, key: bytes, *, check: bool = False) -> Value | None:
        """The value of a key, or None. `check` compares the checksum of its block, which reads all of it.

        Raises:
            Corrupt: the block is damaged.
        """
        position = bisect_left(self._last_keys, key)
        if position == len(self._handles):
            return None
        for stored_key, value in self._entries(self._handles[position], check=check):
            if stored_key == key:
                return value
        return None

    def verify(self) -> Iterator[int]:
        """Compares the checksum of every block, one after another; gives the bytes of each.

        Raises:
            Corrupt: a block is damaged.
        """
        for handle in self._handles:
            for _ in self._entries(handle, check=True):
                pass
            yield handle.size


def _stored(handle: BlockHandle) -> Range:
    """Where a block and its trailer lie."""
    return handle.offset, handle.size + TRAILER_SIZE
