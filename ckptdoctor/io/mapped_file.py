"""A file of this machine, mapped into memory read-only."""

from __future__ import annotations

import io
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ckptdoctor.errors import CHECK, FormatError
from ckptdoctor.io.stored_file import Range, RangeStream, StoredFile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from numpy.typing import NDArray


class MappedFile(StoredFile):
    """A read-only mapping of a whole file, made when its bytes are first asked for. Views copy nothing, and stay valid as
    long as something refers to them.

    Raises:
        FormatError: the file cannot be opened, or later, cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = self.local = path
        self._descriptor = _open(path)
        self.size = os.fstat(self._descriptor).st_size
        self._view: memoryview | None = None
        self._mapping = Lock()

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            os.close(self._descriptor)

    def _map(self) -> memoryview:
        with self._mapping:
            if self._view is None:
                try:
                    # An empty file cannot be mapped. A mapping keeps the file open by itself.
                    mapped = mmap.mmap(self._descriptor, 0, prot=mmap.PROT_READ) if self.size else b""
                except (OSError, ValueError) as error:
                    raise _unreadable(self.path, "read", error) from error
                os.close(self._descriptor)
                self._descriptor = -1
                # Should the file have been cut or have grown meanwhile, its size is what is mapped.
                self._view = memoryview(mapped)
                self.size = len(self._view)
            return self._view

    def read_ranges(self, ranges: Sequence[Range], structure: str) -> list[memoryview]:
        """See `StoredFile.read_ranges`."""
        if self._view is None:
            self._map()
        return super().read_ranges(ranges, structure)

    def view(self, offset: int, size: int, structure: str) -> memoryview:
        """See `StoredFile.view`; a checkpoint of many small tensors spends its time here."""
        view = self._view if self._view is not None else self._map()
        if 0 <= offset <= offset + size <= self.size:
            return view[offset : offset + size]
        return super().view(offset, size, structure)

    def fetch(self, ranges: Sequence[Range]) -> list[memoryview]:
        """See `StoredFile.fetch`."""
        view = self._view if self._view is not None else self._map()
        return [view[offset : offset + size] for offset, size in ranges]

    def peek(self, ranges: Sequence[Range]) -> list[bytes]:
        """See `StoredFile.peek`; nothing is mapped for it."""
        with self._mapping:
            if self._descriptor >= 0:
                try:
                    return [os.pread(self._descriptor, size, offset) for offset, size in ranges]
                except OSError as error:
                    raise _unreadable(self.path, "read", error) from error
        return super().peek(ranges)

    def stream(self) -> BinaryIO:
        """The file, read past the mapping: what is read through a mapping counts as memory in use."""
        return cast(BinaryIO, io.BufferedReader(_DescriptorStream(self)))


class _DescriptorStream(RangeStream):
    """Reads a file that it has opened; it closes it with its last reference, as a stream over memory would."""

    def __init__(self, file: MappedFile) -> None:
        super().__init__(file)
        self._descriptor = _open(file.path)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """See `io.RawIOBase`."""
        size = os.preadv(self._descriptor, [buffer], self.tell())
        self.seek(size, io.SEEK_CUR)
        return size

    def close(self) -> None:
        """See `io.IOBase`."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _unreadable(path, "opened", error) from error


def _unreadable(path: Path, what: str, error: OSError | ValueError) -> FormatError:
    text = error.strerror if isinstance(error, OSError) else str(error)
    return FormatError(path, "file", f"cannot be {what}: {text}", hint=CHECK)


def let_go(values: NDArray[Any]) -> None:
    """Gives back the memory that a mapped array was read into; it stays readable, and is read again if it is.

    Pages of a mapping count as the process's own until they are given back.
    """
    base: Any = values
    while type(base).__name__ in ("ndarray", "memmap") and base.base is not None:
        base = base.base
    mapping = base.obj if isinstance(base, memoryview) else None
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
