"""Output files that appear whole or not at all.

Every file is written beside its destination under a temporary name, made durable, and renamed only when all of them
are complete; the last one added is renamed last. If anything fails before that, the temporary files are removed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from ckptdoctor.errors import Corrupt, OutputError
from ckptdoctor.limits import COPY_CHUNK
from ckptdoctor.specs.tensor import Extent

Observe = Callable[[memoryview], object]
"""Called with every chunk of copied bytes, in order."""


class AtomicOutput:
    """A set of output files, as a context manager; `commit` makes them appear.

    Raises:
        OutputError: a file exists and `force` is not set, or the directory cannot be written.
    """

    def __init__(self, *, force: bool = False) -> None:
        self._force = force
        self._token = secrets.token_hex(4)
        self._pending: list[tuple[Path, Path]] = []
        self._open: list[BinaryIO] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._open:
            stream.close()
        for temporary, _ in self._pending:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(
                f"{error.filename or 'the output'} could not be written: {error.strerror}",
                hint="Nothing was left behind. Free some space, or choose another place for the output.",
            ) from error

    def _reserve(self, destination: Path) -> Path:
        if destination.exists() and not self._force:
            raise OutputError(f"{destination} exists", hint="Choose another output, or pass --force to replace it.")
        destination.parent.mkdir(parents=True, exist_ok=True)
        temporary = destination.with_name(f".{destination.name}.{self._token}.partial")
        self._pending.append((temporary, destination))
        return temporary

    def create(self, destination: Path) -> BinaryIO:
        """A stream whose bytes will be at `destination` after `commit`."""
        stream = self._reserve(destination).open("xb")
        self._open.append(stream)
        return stream

    def link(self, source: Path, destination: Path) -> None:
        """A hard link to `source`, at `destination` after `commit`."""
        try:
            os.link(source.resolve(), self._reserve(destination))
        except OSError as error:
            raise OutputError(
                f"{source} cannot be linked to {destination}: {error.strerror}",
                hint="A hard link needs both on one file system. Leave --link out to copy.",
            ) from error

    def commit(self) -> tuple[Path, ...]:
        """Makes every file durable and renames it to its destination, in the order they were added."""
        for stream in self._open:
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
        written = tuple(destination for _, destination in self._pending)
        while self._pending:
            temporary, destination = self._pending[0]
            temporary.replace(destination)
            del self._pending[0]
        for directory in {path.parent for path in written}:
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return written


def copy_range(extent: Extent, out: BinaryIO, observe: Observe | None = None) -> None:
    """Appends the bytes of an extent to a stream, through the kernel where it can (`copy_file_range`).

    Args:
        extent: what to copy.
        out: where to.
        observe: sees the bytes on the way, a chunk of at most `COPY_CHUNK` bytes at a time.

    Raises:
        Corrupt: the file ends before the extent does.
    """
    out.flush()
    buffer = memoryview(bytearray(min(COPY_CHUNK, max(extent.size, 1)))) if observe else None
    with extent.file.open("rb", buffering=0) as source:
        offset, remaining = extent.offset, extent.size
        while remaining:
            step = min(remaining, COPY_CHUNK) if observe else remaining
            if buffer is not None and observe is not None:
                source.seek(offset)
                step = source.readinto(buffer[:step])
                observe(buffer[:step])
            copied = _copy_in_kernel(source.fileno(), out.fileno(), offset, step)
            if not copied:
                raise Corrupt(
                    extent.file,
                    "data",
                    f"ends {remaining:,} bytes early",
                    offset=offset,
                    hint="The file is truncated: fetch it again.",
                )
            offset += copied
            remaining -= copied


def _copy_in_kernel(source: int, out: int, offset: int, size: int) -> int:
    """Copies exactly `size` bytes to the end of `out`, or fewer at the end of the source; returns how many."""
    done = 0
    while done < size:
        try:
            step = os.copy_file_range(source, out, size - done, offset + done)
        except (OSError, AttributeError):
            # Across file systems, on some network file systems and outside Linux: through memory.
            step = os.write(out, os.pread(source, min(size - done, COPY_CHUNK), offset + done))
        if not step:
            break
        done += step
    return done
