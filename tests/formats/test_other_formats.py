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
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.registry import open_checkpoint
from tests.conftest import SHARED

REAL = SHARED / "real"
Values = dict[str, np.ndarray]


def save_npz(path: Path, values: Values) -> None:
    with path.open("wb") as file:
        np.savez(file, **values)


def save_packed_npz(path: Path, values: Values) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **values)


def save_hdf5(path: Path, values: Values) -> None:
    with h5py.File(path, "w") as file:
        for key, value in values.items():
            file[key] = value


def save_chunked_hdf5(path: Path, values: Values) -> None:
    with h5py.File(path, "w") as file:
        for key, value in values.items():
            options = {"chunks": True, "compression": "gzip"} if value.size and value.ndim else {}
            file.create_dataset(key, data=value, **options)


def save_safetensors(path: Path, values: Values) -> None:
    path.write_bytes(safetensors.numpy.save({key: np.asarray(value, order="C") for key, value in values.items()}))


SAVES: dict[str, Callable[[Path, Values], None]] = {
    "npz": save_npz,
    "npz, packed": save_packed_npz,
    "HDF5": save_hdf5,
    "HDF5, chunked": save_chunked_hdf5,
    "safetensors": save_safetensors,
}
NUMBERS = st.sampled_from(["<f4", "<f8", "<f2", "<i4", "<i8", "|i1", "|u1", "|b1"])
TENSORS = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}(/[a-z_]{1,6}){0,2}", fullmatch=True),
    NUMBERS.flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    ),
    min_size=1,
    max_size=5,
)


def same(checkpoint: Checkpoint, values: Values) -> None:
    assert set(checkpoint.inventory.entries) == set(values)
    for key, value in values.items():
        spec = checkpoint.inventory.entries[key].spec
        assert (spec.shape, spec.dtype.to_numpy()) == (value.shape, value.dtype.newbyteorder("="))
        assert (
            checkpoint.read(key).tobytes()
            == np.ascontiguousarray(value).astype(value.dtype.newbyteorder("=")).tobytes()
        )
        assert checkpoint.read(key).shape == value.shape
        stored = checkpoint.stored(key)
        if stored is not None:
            data = b"".join(e.file.read_bytes()[e.offset : e.offset + e.size] for e in stored.extents)
            assert data == checkpoint.read(key).tobytes()
    assert checkpoint.verify(lambda size: None) == []


@pytest.mark.parametrize("kind", SAVES)
@settings(max_examples=25, deadline=None)
@given(TENSORS)
def test_what_the_owner_writes_is_read(kind: str, tmp_path_factory: pytest.TempPathFactory, values: Values) -> None:
    values = {
        key: value
        for key, value in values.items()
        if not any(other != key and other.startswith(f"{key}/") for other in values)  # no group is a dataset too
    }
    path = tmp_path_factory.mktemp("formats") / "no_suffix"
    SAVES[kind](path, values)
    same(open_checkpoint(str(path)), values)


@pytest.mark.parametrize("kind", SAVES)
def test_every_truncation_is_an_error(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    SAVES[kind](path, {"a": np.arange(64, dtype=np.float32), "b/c": np.ones((2, 3))})
    data = path.read_bytes()
    for size in sorted({*range(0, len(data), max(1, len(data) // 150)), len(data) - 1}):
        path.write_bytes(data[:size])
        with pytest.raises(FormatError):
            checkpoint = open_checkpoint(str(path))
            problems = checkpoint.verify(lambda size: None)
            raise problems[0] if problems else AssertionError(f"{size} bytes of {len(data)} are accepted")


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
    with pytest.raises(FormatError, match="no file beside the index"):
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
