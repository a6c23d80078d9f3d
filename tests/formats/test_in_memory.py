"""Every format is opened from a store in memory as it is from the disk, and a store far away would be asked seldom."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.format import Format, Probe
from ckptdoctor.formats.graph_def import FROZEN_GRAPH
from ckptdoctor.formats.keras_h5 import KERAS_H5
from ckptdoctor.formats.keras_v3 import KERAS_MODEL, KERAS_WEIGHTS
from ckptdoctor.formats.locate import open_checkpoint, saved_model_file
from ckptdoctor.formats.npy import NPY
from ckptdoctor.formats.npz import NPZ
from ckptdoctor.formats.registry import FORMATS
from ckptdoctor.formats.safetensors import SAFETENSORS
from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE
from ckptdoctor.formats.tf_v1 import TF_V1
from ckptdoctor.graphs.meta_graph import read_meta_graph
from ckptdoctor.graphs.saved_model import read_saved_model
from ckptdoctor.io.memory_store import MemoryStore
from tests.formats import oracle
from tests.formats import test_conformance as owners
from tests.formats.test_conformance import save_hdf5, save_npz, save_safetensors

ELSEWHERE = Path("/bucket/there")
VALUES = {"a/kernel": np.arange(35, dtype=np.float32).reshape(5, 7), "a/n": np.arange(3) + 1}
FLOATS = {"layers/holder/vars/0": VALUES["a/kernel"], "layers/holder_1/vars/0": VALUES["a/kernel"][:2]}


def save_sharded_safetensors(directory: Path) -> None:
    save_safetensors(directory / "one.safetensors", {"a/kernel": VALUES["a/kernel"]})
    save_safetensors(directory / "two.safetensors", {"a/n": VALUES["a/n"]})
    (directory / "x").write_text('{"weight_map": {"a/kernel": "one.safetensors", "a/n": "two.safetensors"}}')


def save_sharded_keras(directory: Path) -> None:
    with h5py.File(directory / "x_00000.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = VALUES["a/kernel"]
    (directory / "x").write_text('{"weight_map": {"/layers/dense/vars": "x_00000.weights.h5"}}')


def save_chunked(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=VALUES["a/kernel"], chunks=True, compression="gzip")


def save_packed(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **VALUES)


def save_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, VALUES, allow_pickle=True)


def save_frozen(path: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        for key, value in VALUES.items():
            tf.compat.v1.constant(value, name=key)
    path.write_bytes(graph.as_graph_def().SerializeToString())


def save_model(path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable(VALUES["a/kernel"])
    tf.saved_model.save(module, str(path))


def save_sharded_v1(directory: Path) -> None:
    for shard, key in enumerate(VALUES):
        oracle.save(directory / str(shard), {key: VALUES[key]}, version=1)
        shutil.copy(directory / str(shard), directory / f"x-{shard:05d}-of-00002")
        (directory / str(shard)).unlink()
    for extra in (*directory.glob("*.meta"), directory / "checkpoint"):
        extra.unlink(missing_ok=True)


def save_latest(directory: Path) -> None:
    oracle.save_raw(directory / "m.ckpt", VALUES)
    (directory / "checkpoint").write_text('model_checkpoint_path: "m.ckpt"\n')


CASES: dict[str, tuple[str, Format, Callable[[Path], object]]] = {
    "npz": ("x", NPZ, lambda d: save_npz(d / "x", VALUES)),
    "packed npz": ("x", NPZ, lambda d: save_packed(d / "x")),
    "npy": ("x", NPY, lambda d: save_npy(d / "x")),
    "safetensors": ("x", SAFETENSORS, lambda d: save_safetensors(d / "x", VALUES)),
    "sharded safetensors": ("x", SAFETENSORS, save_sharded_safetensors),
    "HDF5": ("x", KERAS_H5, lambda d: save_hdf5(d / "x", VALUES)),
    "chunked HDF5": ("x", KERAS_H5, lambda d: save_chunked(d / "x")),
    "Keras 3 weights": ("x.weights.h5", KERAS_H5, lambda d: owners.TestKerasWeights().write(d, "x", FLOATS)),
    "sharded Keras 3 weights": ("x", KERAS_WEIGHTS, save_sharded_keras),
    "Keras 3 model": ("x.keras", KERAS_MODEL, lambda d: owners.TestKerasModel().write(d, "x", FLOATS)),
    "tensor bundle": ("x", TENSOR_BUNDLE, lambda d: oracle.save_raw(d / "x", VALUES)),
    "index of a tensor bundle": ("x.index", TENSOR_BUNDLE, lambda d: oracle.save_raw(d / "x", VALUES)),
    "V1": ("x", TF_V1, lambda d: oracle.save(d / "x", VALUES, version=1)),
    "sharded V1": ("x", TF_V1, save_sharded_v1),
    "frozen graph": ("x", FROZEN_GRAPH, lambda d: save_frozen(d / "x")),
    "SavedModel": ("x", TENSOR_BUNDLE, lambda d: save_model(d / "x")),
    "its file": ("x/saved_model.pb", TENSOR_BUNDLE, lambda d: save_model(d / "x")),
    "state file": ("checkpoint", TENSOR_BUNDLE, save_latest),
    "directory": ("", TENSOR_BUNDLE, save_latest),
}
REQUESTS = {"tensor bundle": 4, "index of a tensor bundle": 5, "safetensors": 3, "npz": 16, "npy": 4}
"""How often a store is asked at most until a checkpoint's names and shapes are known."""


def memory_of(directory: Path) -> MemoryStore:
    """The files of a directory, elsewhere and in memory."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return MemoryStore({ELSEWHERE / path.relative_to(directory): path.read_bytes() for path in files})


@pytest.mark.parametrize("case", CASES)
def test_a_format_is_opened_from_memory_as_from_the_disk(case: str, tmp_path: Path) -> None:
    name, record, write = CASES[case]
    write(tmp_path)
    store = memory_of(tmp_path)
    there = open_checkpoint(str(ELSEWHERE / name), store)
    asked = len(store.requests)
    here = open_checkpoint(str(tmp_path / name))

    def moved(text: str) -> str:
        return text.replace(str(tmp_path), str(ELSEWHERE))

    expected = replace(
        here.inventory,
        source=moved(here.inventory.source),
        files=tuple(Path(moved(str(path))) for path in here.inventory.files),
        notes=tuple(map(moved, here.inventory.notes)),
        restore_pattern=moved(here.inventory.restore_pattern),
    )
    assert there.inventory == expected
    assert here.inventory.entries
    assert record.recognise(Probe(there.inventory.files[0], store))
    for key in here.inventory.entries:
        assert there.read(key).tolist() == here.read(key).tolist()
    assert there.verify(lambda size: None) == []
    assert asked <= REQUESTS.get(case, asked)


def test_every_format_that_is_opened_has_a_case() -> None:
    assert {record.name for record in FORMATS if record.open} == {record.name for _, record, _ in CASES.values()}


def test_damage_in_memory_is_found(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(safetensors.numpy.save({"a": np.ones(4)})[:-3])
    with pytest.raises(FormatError, match="data"):
        open_checkpoint(str(ELSEWHERE / "x"), memory_of(tmp_path))


def test_a_graph_is_read_from_memory_as_from_the_disk(tmp_path: Path) -> None:
    oracle.save(tmp_path / "m.ckpt", VALUES, meta=True)
    save_model(tmp_path / "saved")
    store = memory_of(tmp_path)
    meta = read_meta_graph(ELSEWHERE / "m.ckpt.meta", store)
    assert meta.variables == read_meta_graph(tmp_path / "m.ckpt.meta").variables
    named = saved_model_file(ELSEWHERE / "saved", store)
    assert named == ELSEWHERE / "saved" / "saved_model.pb"
    assert read_saved_model(named, store).variables == read_saved_model(tmp_path / "saved/saved_model.pb").variables
