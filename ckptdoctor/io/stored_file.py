"""A file that a store has, opened: its size, and its bytes by ranges."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from ckptdoctor.errors import Corrupt
from ckptdoctor.limits import COPY_CHUNK

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Range = tuple[int, int]
"""Where bytes begin in a file, and how many they are."""


class StoredFile(ABC):
    """An opened file, which does not change while it is open.

    Attributes:
        path: where the store has it.
        size: its bytes.
        local: its path where a library can open it by name; None where there is no such path.
    """

    path: Path
    size: int
    local: Path | None = None

    @abstractmethod
    def fetch(self, ranges: Sequence[Range]) -> list[memoryview]:
        """The bytes of ranges that lie within the file, all asked for at once."""

    def read_ranges(self, ranges: Sequence[Range], structure: str) -> list[memoryview]:
        """The bytes of some ranges; a store far away is asked once for all of them.

        Raises:
            Corrupt: one reaches outside the file; `structure` says what it should have been.
        """
        for offset, size in ranges:
            if offset < 0 or size < 0 or offset + size > self.size:
                raise Corrupt(
                    self.path,
                    structure,
                    f"bytes {offset:,} to {offset + size:,} lie outside the file of {self.size:,} bytes",
                    offset=offset,
                    hint="The file is truncated or damaged: fetch it again, or use another step's checkpoint.",
                )
        return self.fetch(ranges)

    def view(self, offset: int, size: int, structure: str) -> memoryview:
        """The bytes of one range.

        Raises:
            Corrupt: it reaches outside the file; `structure` says what it should have been.
        """
        return self.read_ranges([(offset, size)], structure)[0]

    def peek(self, ranges: Sequence[Range]) -> list[bytes]:
        """A few bytes of ranges that lie within the file, to tell what it is."""
        return [bytes(view) for view in self.fetch(ranges)]

    def chunks(self, offset: int, size: int) -> Iterator[memoryview]:
        """The bytes of a range that lies within the file, at most `COPY_CHUNK` at a time; one is gone with the next.

        Raises:
            Corrupt: the file ends before the range does.
        """
        stream = self.stream()
        stream.seek(offset)
        buffer = memoryview(bytearray(min(COPY_CHUNK, max(size, 1))))
        with stream:
            while size:
                count = cast(io.BufferedReader, stream).readinto(buffer[: min(size, len(buffer))])
                if not count:
                    raise Corrupt(
                        self.path,
                        "data",
                        f"the file ends {size:,} bytes early",
                        offset=offset,
                        hint="The file is truncated: fetch it again.",
                    )
                yield buffer[:count]
                size -= count

    def stream(self) -> BinaryIO:
        """The file from its start, for a library that reads and seeks."""
        return cast(BinaryIO, io.BufferedReader(RangeStream(self)))


class RangeStream(io.RawIOBase):
    """Reads a stored file from where it stands."""

    def __init__(self, file: StoredFile) -> None:
        self._file, self._position = file, 0

    def readable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase`."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See `io.IOBase`."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the start of the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """See `io.IOBase`."""
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See `io.RawIOBase`."""
        target = memoryview(buffer).cast("B")
        size = max(0, min(len(target), self._file.size - self._position))
        if size:
            target[:size] = self._file.fetch([(self._position, size)])[0]
        self._position += size
        return size
