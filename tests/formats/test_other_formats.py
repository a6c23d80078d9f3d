"""safetensors, npz and HDF5 of Keras: the owner's library is the judge of names, shapes, types and bytes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.locate import open_checkpoint
from tests.conftest import SHARED
from tests.formats.conformance import Values, same
from tests.formats.test_conformance import save_hdf5, save_npz, save_safetensors

REAL = SHARED / "real"


def test_other_orders_and_types(tmp_path: Path) -> None:
    values = {"big": np.arange(6, dtype=">f4").reshape(2, 3), "columns": np.asfortranarray(np.ones((2, 3), np.int64))}
    for save in (save_npz, save_hdf5):
        save(tmp_path / "x", values)
        same(open_checkpoint(str(tmp_path / "x")), values)
    save_safetensors(tmp_path / "s", {"half": np.arange(4).astype(ml_dtypes.bfloat16)})
    assert open_checkpoint(str(tmp_path / "s")).inventory.entries["half"].spec.dtype.name == "bfloat16"


def test_sharded_safetensors(tmp_path: Path) -> None:
    values = {"a": np.ones(3, np.float32), "b": np.zeros((2, 2), np.int32)}
    for number, key in enumerate(values):
        save_safetensors(tmp_path / f"model-{number}.safetensors", {key: values[key]})
    index = tmp_path / "model.safetensors.index.json"
    weight_map = {key: f"model-{number}.safetensors" for number, key in enumerate(values)}
    index.write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    same(open_checkpoint(str(index)), values)
    (tmp_path / "model-1.safetensors").unlink()
    with pytest.raises(FormatError, match=r"missing model-1\.safetensors"):
        open_checkpoint(str(index))
    index.write_text(json.dumps({"weight_map": {"a": "../model-0.safetensors"}}))
    with pytest.raises(FormatError, match="no file beside it"):
        open_checkpoint(str(index))


def _pickled(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, a=np.array([{"x": 1}], dtype=object))


def _twice(path: Path) -> None:
    array = io.BytesIO()
    np.save(array, np.ones(2))
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", array.getvalue())
        archive.writestr("a.npy", array.getvalue())


def _outside(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../a.npy", b"x")


def _torch(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(1 << 20))
    data = path.read_bytes().replace((1 << 20).to_bytes(4, "little"), (1 << 30).to_bytes(4, "little"))
    path.write_bytes(data)


def _external(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = h5py.ExternalLink("other.h5", "/a")


def _external_storage(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("a", (4,), "f4", external=[(str(path) + ".raw", 0, 16)])


def _overlapping(path: Path) -> None:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    header = json.dumps({"a": entry, "b": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


def _long_header(path: Path) -> None:
    path.write_bytes((1 << 32).to_bytes(8, "little") + b"{" + bytes(64))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_pickled, "pickle"),
        (_twice, "occurs twice"),
        (_outside, "leads out of the archive"),
        (_torch, "PyTorch"),
        (_bomb, "bytes out of"),
        (_external, "leads into another file"),
        (_external_storage, "other files"),
        (_overlapping, "overlap"),
        (_long_header, "this is"),
    ],
)  # fmt: skip
def test_what_misleads_is_refused(make: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    make(tmp_path / "x")
    with pytest.raises(FormatError, match=said):
        open_checkpoint(str(tmp_path / "x"))


def test_a_cycle_of_groups_ends(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x", "w") as file:
        file["a/w"] = np.ones(2)
        file["a/again"] = file["a"]
        file["soft"] = h5py.SoftLink("/a/w")
    assert set(open_checkpoint(str(tmp_path / "x")).inventory.entries) == {"a/w"}


def _keras_files() -> list[str]:
    if not REAL.is_dir():
        return []
    found = [path for suffix in ("h5", "hdf5", "keras") for path in REAL.rglob(f"*.{suffix}")]
    return sorted(str(path.relative_to(REAL)) for path in found)


@pytest.mark.parametrize("name", _keras_files())
def test_real_keras_files(name: str) -> None:
    checkpoint = open_checkpoint(str(REAL / name))
    assert checkpoint.inventory.is_keras
    source: Any = REAL / name
    if zipfile.is_zipfile(source):
        source = io.BytesIO(zipfile.ZipFile(source).read("model.weights.h5"))
    expected: Values = {}
    with h5py.File(source) as file:
        file.visititems(lambda key, item: expected.update({key: item[()]}) if isinstance(item, h5py.Dataset) else None)
    expected = {key: np.asarray(value) for key, value in expected.items()}
    same(checkpoint, expected)


@pytest.mark.parametrize("suffix", ["weights.h5", "keras", "h5"])
def test_keras_writes_names_that_are_found(suffix: str, tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.SeparableConv2D(5, 3, name="separable"),
            layers.Flatten(),
            layers.Dense(2, name="last"),
        ]
    )
    path = tmp_path / f"m.{suffix}"
    model.save_weights(path) if suffix == "weights.h5" else model.save(path)
    checkpoint = open_checkpoint(str(path))
    named = {entry.name: key for key, entry in checkpoint.inventory.entries.items() if entry.name}
    for weight in model.weights:
        name = next(name for name in named if weight.path.endswith(name) or name.endswith(weight.path))
        assert np.array_equal(checkpoint.read(named[name]), np.asarray(weight))


def test_a_changed_byte_in_an_npz_is_found(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, kernel=np.arange(1 << 16, dtype=np.float32))
    data = bytearray(path.read_bytes())
    data[data.index(np.float32(65000).tobytes())] ^= 1
    path.write_bytes(data)
    [error] = open_checkpoint(str(path)).verify(lambda size: None)
    assert "kernel.npy" in str(error)


def test_a_header_that_is_no_python_is_damage(tmp_path: Path) -> None:
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': ('<f4', ".ljust(117) + b"\n"
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", header)
    with pytest.raises(FormatError, match=r"member 'a\.npy'"):
        open_checkpoint(str(path))
