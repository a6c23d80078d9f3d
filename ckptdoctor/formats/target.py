"""What every format that can be written gives: a writer, which says where each tensor will lie and finishes the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ckptdoctor.errors import UsageError
from ckptdoctor.formats.checkpoint import StoredBytes
from ckptdoctor.formats.layout import Layout
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.inventory import Entry, StoredGroup
from ckptdoctor.specs.tensor import TensorSlice, TensorSpec


@dataclass(frozen=True, slots=True)
class Incoming:
    """A tensor that is to be written.

    Attributes:
        spec: its type and shape.
        slices: the slices to save it in; empty to save it whole.
        stored: where the bytes of strings or variants lie as they are to be written; None where they are not copied, and
            of numbers, whose size is known.
        strings: the elements of a string tensor that is not copied.
    """

    spec: TensorSpec
    slices: tuple[TensorSlice, ...] = ()
    stored: StoredBytes | None = None
    strings: tuple[bytes, ...] = ()


Tensors = Mapping[str, Incoming]
"""The tensors to come, in order."""


class Writer(Protocol):
    """Writes a checkpoint: what makes one has laid it out, others write the parts, and `finish` writes all the rest."""

    @property
    def layout(self) -> Layout:
        """Where the tensors will lie."""
        ...

    def finish(self, checksums: Sequence[int]) -> None:
        """Writes what is not a tensor's bytes: headers, directories, the index.

        Args:
            checksums: of each of the layout's parts, in their order; 0 where it asks for none.
        """
        ...


class DataFiles(Protocol):
    """The data files of a checkpoint whose index is apart from them, so that a new index can describe them as they are."""

    def reindex(self, kept: Mapping[str, Entry], destination: str, output: AtomicOutput, *, link: bool) -> Writer:
        """A writer of a new checkpoint over the same data.

        Args:
            kept: source key → the key and shape it has in the new one; the number of elements is the same.
            destination: the new checkpoint.
            output: the files to be; the caller commits it.
            link: hard links instead of copies.
        """
        ...

    def check(self, key: str) -> int:
        """Compares the checksums of a key's data; gives how many bytes that were.

        Raises:
            FormatError: the data is missing or damaged.
        """
        ...


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """What a format must know beside the tensors.

    Attributes:
        places: keys in the order of the graph, each with where Keras 3 keeps it.
        config: a Keras model's configuration, JSON.
        keras_version: the version of Keras that it is of.
        max_shard_size: the bytes that one file may hold; 0 for all in one.
        layers: of a model, in its order, each with its keys in the order in which Keras loads them.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    config: str = ""
    keras_version: str = ""
    max_shard_size: int = 0
    layers: tuple[StoredGroup, ...] = ()


def split(tensors: Tensors, max_shard_size: int) -> list[list[str]]:
    """The keys of each file, in order: a file holds as many tensors as fit; one that fits in none has its own."""
    shards: list[list[str]] = [[]]
    size = 0
    for key, tensor in tensors.items():
        nbytes = tensor.spec.nbytes
        if max_shard_size and shards[-1] and size + nbytes > max_shard_size:
            shards.append([])
            size = 0
        shards[-1].append(key)
        size += nbytes
    return shards


def refuse_strings(key: str, format_name: str) -> UsageError:
    """The error for a string tensor that a format cannot hold."""
    return UsageError(
        f"{key} holds strings, and {format_name} holds numbers only",
        hint='Write a tensor bundle, or leave it out: in ckptdoctor convert --plan by a step op = "drop".',
    )
