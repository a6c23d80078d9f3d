"""A store in memory: what a test or a program has made and no disk has seen."""

from __future__ import annotations

import io
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ckptdoctor.errors import CHECK, FormatError, OutputError
from ckptdoctor.io.stored_file import Range, StoredFile


class MemoryStore:
    """Files in memory.

    Args:
        files: path → bytes. A directory is there where a path leads through it.

    Attributes:
        requests: the ranges that were asked for at once, a list a request: what a store far away would be asked.
    """

    def __init__(self, files: Mapping[Path, bytes] | None = None) -> None:
        self._files = dict(files or {})
        self._versions: dict[Path, int] = {}
        self.requests: list[tuple[Path, tuple[Range, ...]]] = []

    def is_file(self, path: Path) -> bool:
        """See `Store`."""
        return path in self._files

    def is_directory(self, path: Path) -> bool:
        """See `Store`."""
        return any(path in file.parents for file in self._files)

    def exists(self, path: Path) -> bool:
        """See `Store`."""
        return self.is_file(path) or self.is_directory(path)

    def list(self, directory: Path) -> tuple[Path, ...]:
        """See `Store`."""
        depth = len(directory.parts)
        inside = {directory / file.parts[depth] for file in self._files if directory in file.parents}
        return tuple(sorted(inside))

    def size(self, path: Path) -> int:
        """See `Store`."""
        return self.open(path).size

    def identity(self, path: Path) -> Hashable:
        """How often it was written."""
        return self._versions.get(path, 0) if path in self._files else None

    def open(self, path: Path) -> StoredFile:
        """See `Store`."""
        if path not in self._files:
            raise FormatError(path, "file", "cannot be opened: there is no such file", hint=CHECK)
        return _MemoryFile(path, self._files[path], self.requests)

    def output(self, *, force: bool = False) -> MemoryOutput:
        """See `Store`."""
        return MemoryOutput(self, force=force)

    def put(self, files: Mapping[Path, bytes]) -> None:
        """Has these files from now on."""
        for path, data in files.items():
            self._files[path] = data
            self._versions[path] = self._versions.get(path, 0) + 1


class _MemoryFile(StoredFile):
    def __init__(self, path: Path, data: bytes, requests: list[tuple[Path, tuple[Range, ...]]]) -> None:
        self.path, self.size = path, len(data)
        self._view, self._requests = memoryview(data), requests

    def fetch(self, ranges: Sequence[Range]) -> list[memoryview]:
        """See `StoredFile.fetch`."""
        self._requests.append((self.path, tuple(ranges)))
        return [self._view[offset : offset + size] for offset, size in ranges]


class MemoryOutput:
    """New files of a store in memory. See `ckptdoctor.io.store.Output`."""

    def __init__(self, store: MemoryStore, *, force: bool) -> None:
        self._store, self._force = store, force
        self._streams: dict[Path, io.BytesIO] = {}

    def __enter__(self) -> MemoryOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._streams.clear()

    def create(self, destination: Path) -> BinaryIO:
        """See `Output`."""
        if self._store.exists(destination) and not self._force:
            raise OutputError(
                f"{destination} exists", hint="Choose another output, or replace it: --force, in Python force=True."
            )
        self._streams[destination] = io.BytesIO()
        return self._streams[destination]

    def commit(self) -> tuple[Path, ...]:
        """See `Output`."""
        self._store.put({path: stream.getvalue() for path, stream in self._streams.items()})
        return tuple(self._streams)
