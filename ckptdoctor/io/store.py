"""A place that has files: this machine, memory, and later what is far away.

Formats reach a checkpoint's files through a store alone, and ask for ranges in batches. A path names a file within its
store.
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from ckptdoctor.errors import CHECK, FormatError
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.mapped_file import MappedFile
from ckptdoctor.io.stored_file import StoredFile


class Output(Protocol):
    """Files that appear whole or not at all, as a context manager; `commit` makes them appear."""

    def __enter__(self) -> Output: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def create(self, destination: Path) -> BinaryIO:
        """A stream whose bytes will be at `destination` after `commit`.

        Raises:
            OutputError: a file is there already, and is not to be replaced.
        """
        ...

    def commit(self) -> tuple[Path, ...]:
        """Makes every file appear, the last one created last; gives their paths."""
        ...


class Store(Protocol):
    """A place that has files."""

    def is_file(self, path: Path) -> bool:
        """Whether there is a file."""
        ...

    def is_directory(self, path: Path) -> bool:
        """Whether there is a directory."""
        ...

    def exists(self, path: Path) -> bool:
        """Whether there is a file or a directory."""
        ...

    def list(self, directory: Path) -> tuple[Path, ...]:
        """The files and directories in a directory, sorted; nothing where there is none.

        Raises:
            FormatError: it cannot be listed.
        """
        ...

    def size(self, path: Path) -> int:
        """A file's bytes.

        Raises:
            FormatError: there is no such file.
        """
        ...

    def identity(self, path: Path) -> Hashable:
        """What is another value once the file has been changed or replaced; None where there is no file."""
        ...

    def open(self, path: Path) -> StoredFile:
        """Opens a file.

        Raises:
            FormatError: it cannot be read.
        """
        ...

    def output(self, *, force: bool = False) -> Output:
        """New files, which replace others only if `force` is set."""
        ...


class LocalStore:
    """The files of this machine, mapped into memory."""

    def is_file(self, path: Path) -> bool:
        """See `Store`."""
        return path.is_file()

    def is_directory(self, path: Path) -> bool:
        """See `Store`."""
        return path.is_dir()

    def exists(self, path: Path) -> bool:
        """See `Store`."""
        return path.exists()

    def list(self, directory: Path) -> tuple[Path, ...]:
        """See `Store`."""
        try:
            return tuple(sorted(directory.iterdir())) if directory.is_dir() else ()
        except OSError as error:
            raise FormatError(directory, "directory", f"cannot be listed: {error.strerror}", hint=CHECK) from error

    def size(self, path: Path) -> int:
        """See `Store`."""
        try:
            return path.stat().st_size
        except OSError as error:
            raise FormatError(path, "file", f"cannot be read: {error.strerror}", hint=CHECK) from error

    def identity(self, path: Path) -> Hashable:
        """Its number, its size, and when it was written."""
        try:
            status = path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

    def open(self, path: Path) -> StoredFile:
        """See `Store`."""
        return MappedFile(path)

    def output(self, *, force: bool = False) -> AtomicOutput:
        """See `Store`."""
        return AtomicOutput(force=force)


LOCAL = LocalStore()
