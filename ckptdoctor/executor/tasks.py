"""What is done to write a checkpoint, in pieces that share nothing: each can be run anywhere the files can be reached.

A task is a value that pickles; it opens what it needs through the `OpenFiles` of the process that runs it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ckptdoctor.conversion.plan import Derived
from ckptdoctor.errors import Corrupt
from ckptdoctor.executor.elements import elements
from ckptdoctor.formats.checkpoint import Advance, Checkpoint, StoredBytes
from ckptdoctor.formats.layout import Checksum, Layout
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.registry import WRITTEN
from ckptdoctor.formats.target import Tensors
from ckptdoctor.io import crc32c
from ckptdoctor.io.copying import copy_range, write_at
from ckptdoctor.ops.elements import chunks, sliced
from ckptdoctor.specs.tensor import Extent, TensorSlice

_CHECKSUMS: dict[Checksum, Callable[[int, bytes | memoryview], int]] = {
    "": lambda crc, data: 0,
    "crc32": lambda crc, data: zlib.crc32(data, crc),
    "crc32c": crc32c.extend,
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a task gives back.

    Attributes:
        key: the tensor, or the name of the file.
        checksum: of what was written, if one was asked for; else 0.
        size: the bytes that were worked through.
    """

    key: str
    checksum: int
    size: int


class OpenFiles:
    """What the tasks of one process or thread have open, as a context manager: the file read, and the file written, last.

    Args:
        checkpoint: the source, where it is open already.
    """

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        self._checkpoints = {checkpoint.inventory.source: checkpoint} if checkpoint else {}
        self._open: dict[int, tuple[Path, int]] = {}

    def __enter__(self) -> OpenFiles:
        return self

    def __exit__(self, *error: object) -> None:
        for _, descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def checkpoint(self, source: str) -> Checkpoint:
        """The checkpoint of this name."""
        if source not in self._checkpoints:
            self._checkpoints[source] = open_checkpoint(source)
        return self._checkpoints[source]

    def reading(self, path: Path) -> int:
        """A descriptor to read a file by."""
        return self._descriptor(path, os.O_RDONLY)

    def writing(self, path: Path) -> int:
        """A descriptor to write by into a file that is there."""
        return self._descriptor(path, os.O_RDWR)

    def _descriptor(self, path: Path, flags: int) -> int:
        last, descriptor = self._open.get(flags, (None, -1))
        if last != path:
            if last is not None:
                del self._open[flags]
                os.close(descriptor)
            descriptor = os.open(path, flags | os.O_CLOEXEC)
            self._open[flags] = path, descriptor
        return descriptor


class Task(Protocol):
    """A piece of the work."""

    def run(self, files: OpenFiles, advance: Advance) -> Done:
        """Does it; `advance` hears the bytes as they are worked through.

        Raises:
            FormatError: the source is damaged.
            UsageError: values do not allow what the plan wants.
            OSError: the output cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class CopyTensor:
    """Copies a tensor's bytes, and compares their checksum where one is recorded.

    Attributes:
        key: the tensor.
        stored: where they lie.
        destination: where they go.
        checksum, start: see `Part`.
    """

    key: str
    stored: StoredBytes
    destination: Extent
    checksum: Checksum
    start: int

    def run(self, files: OpenFiles, advance: Advance) -> Done:
        """See `Task.run`."""
        extend = _CHECKSUMS[self.checksum]
        compared = self.stored.masked_crc is not None and not self.stored.encoding
        written, found = self.start, 0
        position = self.destination.offset

        def observe(chunk: memoryview) -> None:
            nonlocal written, found
            written = extend(written, chunk)
            if compared:
                # Where the new file records the same checksum, it is taken once.
                found = written if self.checksum == "crc32c" and not self.start else crc32c.extend(found, chunk)

        for extent in self.stored.extents:
            copy_range(
                extent,
                files.reading(extent.file),
                files.writing(self.destination.file),
                position,
                observe if compared or self.checksum else None,
                advance,
            )
            position += extent.size
        if compared:
            _compare(self.key, self.stored, found)
        return Done(self.key, written, position - self.destination.offset)


def _compare(key: str, stored: StoredBytes, crc: int) -> None:
    """Compares the checksum of copied bytes with the one recorded.

    Raises:
        Corrupt: they differ.
    """
    if stored.masked_crc != crc32c.mask(crc):
        raise Corrupt(
            stored.extents[0].file,
            f"data of {key!r}",
            f"masked crc {crc32c.mask(crc):#010x}",
            offset=stored.extents[0].offset,
            expected=f"{stored.masked_crc:#010x}",
            hint="The data is damaged: fetch the checkpoint again. Nothing was written.",
        )


@dataclass(frozen=True, slots=True)
class ComputeTensor:
    """Computes a tensor's elements, or a slice's, and writes them: little-endian, as the machines are that this runs on.

    Attributes:
        key: the tensor.
        source: the checkpoint that it is made of.
        derived: how.
        part: the slice; None for all of it.
        destination: where the bytes go.
        checksum, start: see `Part`.
    """

    key: str
    source: str
    derived: Derived
    part: TensorSlice | None
    destination: Extent
    checksum: Checksum
    start: int

    def run(self, files: OpenFiles, advance: Advance) -> Done:
        """See `Task.run`."""
        values = elements(files.checkpoint(self.source), self.derived)
        if self.part is not None:
            values = sliced(values, self.part)
        out, extend, crc, size = files.writing(self.destination.file), _CHECKSUMS[self.checksum], self.start, 0
        for chunk in chunks(values):
            data = chunk.tobytes()
            if size + len(data) > self.destination.size:
                break
            write_at(out, data, self.destination.offset + size)
            crc = extend(crc, data)
            size += len(data)
            advance(len(data))
        if size != self.destination.size:
            raise ValueError(f"{size:,} bytes for {self.key}, which has {self.destination.size:,}")
        return Done(self.key, crc, size)


@dataclass(frozen=True, slots=True)
class WriteBytes:
    """Writes bytes that are known already, such as those of strings.

    Attributes:
        key: the tensor.
        data: the bytes.
        destination: where they go.
        checksum, start: see `Part`.
    """

    key: str
    data: bytes
    destination: Extent
    checksum: Checksum
    start: int

    def run(self, files: OpenFiles, advance: Advance) -> Done:
        """See `Task.run`."""
        write_at(files.writing(self.destination.file), self.data, self.destination.offset)
        advance(len(self.data))
        return Done(self.key, _CHECKSUMS[self.checksum](self.start, self.data), len(self.data))


@dataclass(frozen=True, slots=True)
class CopyFile:
    """Copies a whole file within the kernel.

    Attributes:
        source: all of the file.
        destination: the file to write.
    """

    source: Extent
    destination: Path

    def run(self, files: OpenFiles, advance: Advance) -> Done:
        """See `Task.run`; the bytes are heard of by those who check them."""
        copy_range(self.source, files.reading(self.source.file), files.writing(self.destination), 0)
        return Done(self.source.file.name, 0, self.source.size)


@dataclass(frozen=True, slots=True)
class CheckTensor:
    """Compares the checksum of data that a new index describes where it lies.

    Attributes:
        key: the tensor.
        source: the checkpoint.
        target: the format that has its data apart from its index.
    """

    key: str
    source: str
    target: str

    def run(self, files: OpenFiles, advance: Advance) -> Done:
        """See `Task.run`."""
        data = WRITTEN[self.target].data_files(files.checkpoint(self.source))
        size = data.check(self.key) if data is not None else 0
        advance(size)
        return Done(self.key, 0, size)


def tasks_of(
    layout: Layout, derived: Mapping[str, Derived], tensors: Tensors, checkpoint: Checkpoint
) -> Iterator[Task]:
    """What writes each part of a layout, in its order.

    Args:
        layout: where the parts lie.
        derived: how each tensor comes about.
        tensors: each tensor as the writer was told of it.
        checkpoint: the source.

    Raises:
        FormatError: the source's data is missing or damaged.
    """
    for part in layout.parts:
        item, stored = derived[part.key], tensors[part.key].stored
        origin = item.origin
        if part.data is not None:
            yield WriteBytes(part.key, part.data, part.extent, part.checksum, part.start)
            continue
        if part.spec.dtype.itemsize and part.slice is None and origin is not None:
            stored = checkpoint.stored(origin.source)
        if stored is not None:
            yield CopyTensor(part.key, stored, part.extent, part.checksum, part.start)
        else:
            source = checkpoint.inventory.source
            yield ComputeTensor(part.key, source, item, part.slice, part.extent, part.checksum, part.start)
