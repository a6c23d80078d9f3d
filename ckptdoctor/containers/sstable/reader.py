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
from ckptdoctor.io.mapped_file import MappedFile
from ckptdoctor.limits import MAX_METADATA_BLOCK
from ckptdoctor.specs.tensor import Extent

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

    def __init__(self, file: MappedFile) -> None:
        self.file = file
        footer_offset = max(0, file.size - FOOTER_SIZE)
        try:
            footer = read_footer(file.view(footer_offset, file.size - footer_offset, "footer"))
        except ValueError as error:
            raise self._corrupt("footer", footer_offset, error) from error
        self._last_keys: list[bytes] = []
        self._handles: list[BlockHandle] = []
        self._load(footer.metaindex, "metaindex block")
        index = self._load(footer.index, "index block")
        try:
            for key, start, end in read_entries(index):
                self._last_keys.append(key)
                self._handles.append(read_handle(index[start:end])[0])
        except ValueError as error:
            raise self._corrupt("index block", footer.index.offset, error) from error

    def _corrupt(self, structure: str, offset: int, reason: object) -> Corrupt:
        return Corrupt(self.file.path, structure, str(reason), offset=offset, hint=_DAMAGED)

    def _load(self, handle: BlockHandle, structure: str, *, check: bool = True) -> memoryview:
        """A block's bytes; a mapped view where it is stored uncompressed. `check` compares its checksum."""
        stored = self.file.view(handle.offset, handle.size + TRAILER_SIZE, structure)
        compression = stored[handle.size]
        if check:
            crc = crc32c.of_extent(Extent(self.file.path, handle.offset, handle.size + 1))
            (expected,) = struct.unpack_from("<I", stored, handle.size + 1)
            if crc32c.mask(crc) != expected:
                raise Corrupt(
                    self.file.path,
                    structure,
                    f"masked crc {crc32c.mask(crc):#010x}",
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
        block = self._load(handle, "data block", check=check)
        mapped = self.file.view(handle.offset + handle.size, 1, "data block")[0] == UNCOMPRESSED
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
        for handle in self._handles:
            block = bytes(self._load(handle, "data block"))
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
        for found, value in self._entries(self._handles[position], check=check):
            if found == key:
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
