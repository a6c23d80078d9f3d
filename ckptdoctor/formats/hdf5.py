"""Writing HDF5: the library lays a file out, and each tensor's bytes are put where its dataset is.

Source: h5py, h5py/h5p.pyx and h5d.pyx, for the allocation of a dataset's bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.formats.target import copy_chunks, copy_stored, refuse_strings
from ckptdoctor.specs.tensor import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _reserve(group: Any, name: str, spec: TensorSpec) -> int | None:
    """Makes room for a tensor; gives where its bytes go, None if it has none."""
    import h5py
    import numpy as np

    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    # HDF5 has no bfloat16: the 16-bit words are kept as they are.
    dtype: Any = spec.dtype.to_numpy() if not spec.dtype.is_extended else f"u{spec.dtype.itemsize}"
    space = h5py.h5s.create_simple(spec.shape) if spec.shape else h5py.h5s.create(h5py.h5s.SCALAR)
    parent, _, leaf = name.rpartition("/")
    owner = group.require_group(parent) if parent else group
    dataset = h5py.h5d.create(
        owner.id, leaf.encode(), h5py.h5t.py_create(np.dtype(dtype), logical=True), space, dcpl=plan
    )
    offset: int | None = dataset.get_offset()
    return offset


class PlacedWriter:
    """Writes tensors into files that the library has laid out: each tensor's bytes go where its dataset is."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[BinaryIO, int]] = {}

    def place(self, key: str, group: Any, name: str, spec: TensorSpec, stream: BinaryIO) -> None:
        """Makes a dataset for a tensor in a file, whose bytes will be written to `stream`."""
        offset = _reserve(group, name, spec)
        if offset is not None:
            self._places[key] = stream, offset

    def add_stored(self, key: str, spec: TensorSpec, stored: StoredBytes, advance: Advance) -> None:
        """See `TargetWriter`."""
        if key in self._places:
            copy_stored(key, stored, self._at(key), advance)

    def add_chunks(self, key: str, spec: TensorSpec, chunks: Iterable[NDArray[Any]], advance: Advance) -> None:
        """See `TargetWriter`."""
        if key in self._places:
            copy_chunks(chunks, self._at(key), advance)

    def _at(self, key: str) -> BinaryIO:
        stream, offset = self._places[key]
        stream.seek(offset)
        return stream

    def add_strings(self, key: str, spec: TensorSpec, values: NDArray[Any], advance: Advance) -> None:
        """See `TargetWriter`."""
        raise refuse_strings(key, "Keras's HDF5")

    def finish(self) -> None:
        """Nothing is left."""
