"""What every format that can be written gives: a writer that takes tensors one after another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ckptdoctor.errors import Corrupt, UsageError
from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.io import crc32c
from ckptdoctor.io.atomic_output import copy_range
from ckptdoctor.specs.tensor import TensorSpec

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray


class TargetWriter(Protocol):
    """Writes tensors in the order in which they were announced; `finish` completes the file."""

    def add_stored(self, key: str, spec: TensorSpec, stored: StoredBytes, advance: Advance) -> None:
        """Writes a tensor by copying its bytes; `advance` hears how many."""
        ...

    def add_chunks(self, key: str, spec: TensorSpec, chunks: Iterable[NDArray[Any]], advance: Advance) -> None:
        """Writes a tensor from its elements in row-major order, in parts of the spec's type."""
        ...

    def add_strings(self, key: str, spec: TensorSpec, values: NDArray[Any], advance: Advance) -> None:
        """Writes a string tensor."""
        ...

    def finish(self) -> None:
        """Writes what is left."""
        ...


def copy_stored(key: str, stored: StoredBytes, out: BinaryIO, advance: Advance) -> int:
    """Copies a tensor's bytes into a file, comparing their checksum where one is recorded; gives their CRC.

    Raises:
        Corrupt: the bytes have another checksum than the one recorded with them.
    """
    crc = 0

    def observe(chunk: memoryview) -> None:
        nonlocal crc
        crc = crc32c.extend(crc, chunk)
        advance(len(chunk))

    for extent in stored.extents:
        copy_range(extent, out, observe)
    check_crc(key, stored, crc)
    return crc


def check_crc(key: str, stored: StoredBytes, crc: int) -> None:
    """Compares the CRC of copied bytes with the one recorded.

    Raises:
        Corrupt: they differ.
    """
    if stored.masked_crc not in (None, crc32c.mask(crc)):
        raise Corrupt(
            stored.extents[0].file,
            f"data of {key!r}",
            f"masked crc {crc32c.mask(crc):#010x}",
            offset=stored.extents[0].offset,
            expected=f"{stored.masked_crc:#010x}",
            hint="The data is damaged: fetch the checkpoint again. Nothing was written.",
        )


def copy_chunks(chunks: Iterable[NDArray[Any]], out: BinaryIO, advance: Advance) -> None:
    """Writes elements into a file, little-endian, which is the order of the machines this runs on."""
    for chunk in chunks:
        data = chunk.tobytes()
        out.write(data)
        advance(len(data))


def refuse_strings(key: str, format_name: str) -> UsageError:
    """The error for a string tensor that a format cannot hold."""
    return UsageError(
        f"{key} holds strings, and {format_name} holds numbers only",
        hint='Drop it: a plan step op = "drop" for ckptdoctor convert --plan, or write a tensor bundle.',
    )


Specs = Mapping[str, TensorSpec]
"""The tensors to come, in order."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a format must know beside the tensors.

    Attributes:
        places: keys in the order of the graph, each with where Keras 3 keeps it.
        config: a Keras model's configuration, JSON.
        keras_version: the version of Keras that it is of.
        max_shard_size: the bytes that one file may hold; 0 for all in one.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    keras_version: str = ""
    max_shard_size: int = 0


def split(specs: Specs, max_shard_size: int) -> list[list[str]]:
    """The keys of each file, in order: a file holds as many tensors as fit; one that fits in none has its own."""
    shards: list[list[str]] = [[]]
    size = 0
    for key, spec in specs.items():
        if max_shard_size and shards[-1] and size + spec.nbytes > max_shard_size:
            shards.append([])
            size = 0
        shards[-1].append(key)
        size += spec.nbytes
    return shards
