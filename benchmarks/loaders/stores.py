"""The owners' own readers: what a saved file holds, by key."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"


def stored_tensors(path: str, format: str) -> dict[str, np.ndarray]:
    """Every tensor of a file: of HDF5 the datasets by path, of a TensorFlow checkpoint the keys."""
    if format in ("tf", "objects", "saver", "saver-v1"):
        import tensorflow as tf

        reader = tf.train.load_checkpoint(path)
        return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map() if key != OBJECT_GRAPH_KEY}
    if format == "keras":
        with zipfile.ZipFile(path) as archive:
            return _datasets(io.BytesIO(archive.read("model.weights.h5")))
    return _datasets(Path(path))


def _datasets(file: Path | io.BytesIO) -> dict[str, np.ndarray]:
    import h5py

    found: dict[str, np.ndarray] = {}
    with h5py.File(file, "r") as root:
        root.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return {key: np.asarray(value) for key, value in found.items()}
