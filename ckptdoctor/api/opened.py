"""An opened checkpoint: a mapping of its keys to tensors that are read when they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import UnknownKey, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import DTypeLike, NDArray

    from ckptdoctor.formats.checkpoint import Checkpoint
    from ckptdoctor.specs.inventory import Entry, Inventory

__all__ = ["CheckpointName", "OpenedCheckpoint", "StoredTensor", "checkpoint_of", "open"]

CheckpointName = str | os.PathLike[str]
"""A CHECKPOINT argument: a prefix, a file of it, or a directory."""


def open(checkpoint: CheckpointName) -> OpenedCheckpoint:
    """Opens a checkpoint: its names, shapes and types are read now, its values when they are asked for.

        with ckptdoctor.open("model.ckpt") as ckpt:
            print(ckpt["fc6/weights"].shape)

    Args:
        checkpoint: a prefix, a file of it, or a directory; the content tells the format.

    Raises:
        FormatError: it cannot be read.
        UsageError: this is no name.
    """
    from ckptdoctor.formats.locate import open_checkpoint

    if not isinstance(checkpoint, str | os.PathLike) or not isinstance(os.fspath(checkpoint), str):
        raise UsageError(f"{checkpoint!r} is no name of a checkpoint", hint="Pass a str or a pathlib.Path.")
    return OpenedCheckpoint(open_checkpoint(os.fspath(checkpoint)))


class OpenedCheckpoint(Mapping[str, "StoredTensor"]):
    """An opened checkpoint: key → tensor, in the order of the keys. `ckptdoctor.open` makes one.

    The description of objects that a TensorFlow 2 checkpoint has beside its variables is none of the keys. Use it in a
    `with` statement, or close it.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._source = checkpoint.inventory.source
        self._opened: Checkpoint | None = checkpoint
        self._entries: Mapping[str, Entry] = checkpoint.inventory.variables

    @property
    def source(self) -> str:
        """The checkpoint as a command can name it again: a prefix or a file."""
        return self._source

    @property
    def format(self) -> str:
        """Its format's name, such as `tensor bundle (V2)`."""
        return self.inventory.format

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it consists of."""
        return self.inventory.files

    @property
    def inventory(self) -> Inventory:
        """Everything that is known of it without its values; see `ckptdoctor.contents`.

        Raises:
            UsageError: it is closed.
        """
        return checkpoint_of(self).inventory

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._opened is None

    def close(self) -> None:
        """Lets go of its files. Arrays that were read from it stay as they are; its tensors cannot be read any more."""
        self._opened = None

    def __enter__(self) -> OpenedCheckpoint:
        checkpoint_of(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getitem__(self, key: str) -> StoredTensor:
        """The tensor of a key.

        Raises:
            UnknownKey: there is no such key; it is a KeyError, and suggests near names.
            UsageError: the checkpoint is closed.
        """
        checkpoint_of(self)
        entry = self._entries.get(key)
        if entry is None:
            from ckptdoctor.specs.command import operand, own_command
            from ckptdoctor.specs.near_names import did_you_mean

            near = did_you_mean(key, self._entries) if isinstance(key, str) else ""
            raise UnknownKey(
                f"{self._source} has no key {key!r}" + (f". {near}" if near else ""),
                hint=f"List its keys: {own_command('inspect', operand(self._source), '--table')}",
            )
        return StoredTensor(self, entry)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return self is other  # comparing values is `ckptdoctor.diff`'s

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        state = "closed" if self.closed else self.format
        return f"<checkpoint {self._source!r}: {len(self):,} tensors, {state}>"


class StoredTensor:
    """A tensor of an opened checkpoint. Its values are read when it is indexed, or given to NumPy.

    `tensor[...]` and `numpy()` give arrays of one's own; `numpy.asarray(tensor)` gives a read-only view of the file where
    its bytes lie plainly, without reading or copying them. Strings come as arrays of `bytes` objects; types that NumPy
    lacks, such as bfloat16, as those of `ml_dtypes`; partitioned variables whole.
    """

    __slots__ = ("_checkpoint", "_entry")

    def __init__(self, checkpoint: OpenedCheckpoint, entry: Entry) -> None:
        self._checkpoint, self._entry = checkpoint, entry

    @property
    def key(self) -> str:
        """The key in the checkpoint."""
        return self._entry.key

    @property
    def name(self) -> str:
        """The variable's own name where the checkpoint records one beside the key; else empty."""
        return self._entry.name

    @property
    def checkpoint(self) -> OpenedCheckpoint:
        """The checkpoint that it is in."""
        return self._checkpoint

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its dimensions, outermost first."""
        return self._entry.spec.shape

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements it has."""
        return self._entry.spec.elements

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of its elements; `object` for strings.

        Raises:
            UsageError: NumPy has no such type, and neither has ml_dtypes: variants and resources.
        """
        try:
            return self._entry.spec.dtype.to_numpy()
        except TypeError as error:
            raise UsageError(
                f"{self.key} is a {self._entry.spec.dtype}, which has no NumPy type",
                hint="It can be converted and saved, not read.",
            ) from error

    @property
    def nbytes(self) -> int:
        """The bytes of its elements; 0 for strings, whose elements have no fixed size."""
        return self._entry.spec.nbytes

    def numpy(self) -> NDArray[Any]:
        """All its values, as an array of one's own.

        Raises:
            FormatError: its data is missing or damaged.
            UsageError: the checkpoint is closed, or NumPy has no such type.
        """
        values: NDArray[Any] = self._mapped().copy()
        return values

    def __getitem__(self, index: Any) -> Any:
        """Some of its values, as NumPy indexes them: an array of one's own, or one element.

        Only the rows that are asked for are read where the bytes lie plainly.

        Raises:
            IndexError: there is no such element, as for NumPy.
            FormatError: its data is missing or damaged.
            UsageError: the checkpoint is closed, or NumPy has no such type.
        """
        import numpy as np

        first, *rest = index if isinstance(index, tuple) and index else (index,)
        if self._entry.slices and isinstance(first, slice | int | np.integer) and not isinstance(first, bool):
            values = self._rows(first)[(slice(None), *rest) if isinstance(first, slice) else (0, *rest)]
        else:
            values = self._mapped()[index]
        # An element of strings is bytes; NumPy's own type for them would cut zero bytes at their end.
        return values.copy() if isinstance(values, np.ndarray) else values

    def __float__(self) -> float:
        return float(self._mapped().item())

    def __int__(self) -> int:
        return int(self._mapped().item())

    def _rows(self, index: slice | int | np.integer[Any]) -> NDArray[Any]:
        """Rows of a partitioned variable, from the slices that they lie in."""
        from ckptdoctor.formats.slices import assemble_rows

        checkpoint, spec = checkpoint_of(self._checkpoint), self._entry.spec
        if isinstance(index, slice):
            rows = range(*index.indices(spec.shape[0]))
            start, stop = (min(rows), max(rows) + 1) if rows else (0, 0)
            taken = assemble_rows(spec, checkpoint.pieces(self.key), start, stop)
            return taken[:: rows.step]
        if not -spec.shape[0] <= index < spec.shape[0]:
            raise IndexError(f"index {index} is out of bounds for axis 0 with size {spec.shape[0]}")
        row = int(index) % spec.shape[0]
        return assemble_rows(spec, checkpoint.pieces(self.key), row, row + 1)

    def _mapped(self) -> NDArray[Any]:
        checkpoint = checkpoint_of(self._checkpoint)
        _ = self.dtype  # what has no NumPy type is refused here
        return checkpoint.read(self.key)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        values = self._mapped()
        if dtype is not None and values.dtype != dtype:
            if copy is False:
                raise ValueError(f"{self.key} is {values.dtype}: another type needs a copy")
            return values.astype(dtype)
        return values.copy() if copy else values

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"{self.key} is a scalar and has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<tensor {self.key!r}: {self._entry.spec}>"


def checkpoint_of(checkpoint: CheckpointName | OpenedCheckpoint) -> Checkpoint:
    """The checkpoint behind a name or an opened one, for the rooms below.

    Raises:
        FormatError: it cannot be read.
        UsageError: it is closed.
    """
    if not isinstance(checkpoint, OpenedCheckpoint):
        checkpoint = open(checkpoint)
    if checkpoint._opened is None:
        raise UsageError(f"{checkpoint.source} is closed", hint="Open it again: ckptdoctor.open(…)")
    return checkpoint._opened
