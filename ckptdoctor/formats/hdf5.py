"""Writing HDF5: the library lays a file out, and each tensor's bytes are put where its dataset is.

Source: h5py, h5py/h5p.pyx and h5d.pyx, for the allocation of a dataset's bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ckptdoctor.formats.layout import Layout, Part
from ckptdoctor.io.store import LOCAL
from ckptdoctor.specs.tensor import Extent, TensorSpec


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
    """Writes tensors into files that the library has laid out: each tensor's bytes go where its dataset is. See `Writer`."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def place(self, key: str, group: Any, name: str, spec: TensorSpec, path: Path) -> None:
        """Makes a dataset for a tensor in the file that will lie at `path`."""
        offset = _reserve(group, name, spec)
        if offset is not None:
            self._parts.append(Part(key, spec, Extent(path, offset, spec.nbytes)))

    @property
    def layout(self) -> Layout:
        """Where the datasets are; the files have their sizes already."""
        return Layout(
            tuple(self._parts), {file: LOCAL.size(file) for file in {part.extent.file for part in self._parts}}
        )

    def finish(self, checksums: Sequence[int]) -> None:
        """Nothing is left."""
