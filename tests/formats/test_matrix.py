"""From every format to every other and back: values and names are the same, and the owner's library reads the result."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
from typer.testing import CliRunner

import ckptdoctor
from ckptdoctor.cli.app import app
from ckptdoctor.formats.locate import open_checkpoint
from tests.formats import oracle

VALUES = {
    "net/a/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "net/a/bias": np.linspace(-1, 1, 4),
    "net/b/table": np.arange(6, dtype=np.int64).reshape(3, 2),
    "net/b/scale": np.array(2.5, np.float32),
    "net/b/none": np.zeros((0, 3), np.float32),
    "net/b/mask": np.array([True, False]),
}
SUFFIXES = {"tensor-bundle": "", "npz": ".npz", "safetensors": ".safetensors", "keras-h5": ".h5"}


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def owner(name: str, path: Path) -> dict[str, np.ndarray]:
    """What the format's own library reads, by key."""
    if name == "tensor-bundle":
        return oracle.read(path)
    if name == "npz":
        with np.load(path) as archive:
            return dict(archive)
    if name == "safetensors":
        return safetensors.numpy.load_file(path)
    found = {}
    with h5py.File(path) as file:
        for layer in file.attrs["layer_names"]:
            for weight in file[layer].attrs["weight_names"]:
                text = weight.decode() if isinstance(weight, bytes) else weight
                found[text] = file[layer][text][()]
    return found


def same(found: dict[str, np.ndarray], values: dict[str, np.ndarray]) -> None:
    assert set(found) == set(values)
    for key, value in values.items():
        assert (found[key].shape, found[key].dtype) == (value.shape, value.dtype), key
        assert np.array_equal(found[key], value), key


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("matrix")
    oracle.save_raw(directory / "source", VALUES)
    made = {"tensor-bundle": directory / "source"}
    for name, suffix in SUFFIXES.items():
        if name not in made:
            made[name] = directory / f"source{suffix}"
            write(name, made["tensor-bundle"], made[name])
    return made


def write(name: str, source: Path, path: Path, *options: str) -> None:
    """Keras loads HDF5 by the layers' order, which no other format records: there it is that of the dict."""
    if name != "keras-h5" or source.suffix == ".h5":
        run("convert", source, path, *options)
        return
    with ckptdoctor.open(source) as checkpoint:
        ckptdoctor.save(path, {**checkpoint})


@pytest.mark.parametrize("name", SUFFIXES)
def test_the_owner_reads_what_is_written(name: str, sources: dict[str, Path]) -> None:
    same(owner(name, sources[name]), VALUES)


@pytest.mark.parametrize("first", SUFFIXES)
@pytest.mark.parametrize("second", SUFFIXES)
def test_there_and_back(first: str, second: str, sources: dict[str, Path], tmp_path: Path) -> None:
    there, back = tmp_path / f"there{SUFFIXES[second]}", tmp_path / f"back{SUFFIXES[first]}"
    # Keras's HDF5 has a weight under its layer's name; a rename takes that off.
    from_keras = ["--rename", r"^\w+/net/=net/"]
    write(second, sources[first], there, *(from_keras if first == "keras-h5" else []))
    write(first, there, back, *(from_keras if second == "keras-h5" else []))
    same(owner(second, there), VALUES)
    same(owner(first, back), VALUES)


def test_to_decides_over_the_name(sources: dict[str, Path], tmp_path: Path) -> None:
    run("convert", sources["npz"], tmp_path / "weights.bin", "--to", "safetensors")
    assert open_checkpoint(str(tmp_path / "weights.bin")).inventory.format == "safetensors"
    assert "cannot be written" in run("convert", sources["npz"], tmp_path / "x", "--to", "pickle", code=2)
    assert "a .keras file holds a model" in run("convert", sources["npz"], tmp_path / "x.keras", code=2)


def test_a_cast_states_its_loss(sources: dict[str, Path], tmp_path: Path) -> None:
    output = run("convert", sources["npz"], tmp_path / "half.safetensors", "--dtype", "bfloat16")
    assert "loses bits" in output
    found = open_checkpoint(str(tmp_path / "half.safetensors"))
    kinds = {key: entry.spec.dtype.name for key, entry in found.inventory.entries.items()}
    assert kinds["net/a/kernel"] == kinds["net/a/bias"] == "bfloat16"
    assert kinds["net/b/table"] == "int64"
    expected = VALUES["net/a/bias"].astype(found.inventory.entries["net/a/bias"].spec.dtype.to_numpy())
    assert np.array_equal(found.read("net/a/bias"), expected)
    output = run("convert", tmp_path / "half.safetensors", tmp_path / "whole.npz", "--dtype", "float32")
    assert "loses bits" not in output
    assert "no floating-point type" in run("convert", sources["npz"], tmp_path / "x", "--dtype", "int8", code=2)


def test_what_a_format_lacks_is_said(tmp_path: Path) -> None:
    import tensorflow as tf

    oracle.save_raw(tmp_path / "odd", {"a": tf.cast([1.0], tf.bfloat16), "text": np.array([b"x"], dtype=object)})
    for suffix, said in ((".npz", "NumPy's format"), (".safetensors", "holds strings"), (".h5", "HDF5")):
        assert said in " ".join(run("convert", tmp_path / "odd", tmp_path / f"odd{suffix}", code=2).split())
    assert not [path for path in tmp_path.iterdir() if not path.name.startswith(("odd.index", "odd.data"))]


def test_keras_loads_a_checkpoint_as_h5(tmp_path: Path) -> None:
    import keras

    graph = tmp_path / "model.py"
    graph.write_text(
        "import keras\nfrom keras import layers\n"
        "model = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 2, name='z'),\n"
        "    layers.BatchNormalization(name='a'), layers.Flatten(), layers.Dense(5, name='m')])\n"
    )
    namespace: dict[str, object] = {}
    exec(compile(graph.read_text(), graph, "exec"), namespace)
    model = namespace["model"]
    assert isinstance(model, keras.Model)
    rng = np.random.default_rng(0)
    model.set_weights([rng.standard_normal(weight.shape).astype(np.float32) for weight in model.weights])
    oracle.save_raw(
        tmp_path / "m.ckpt", {weight.path: np.asarray(weight) for weight in model.weights} | {"extra": np.ones(2)}
    )
    expected = model.get_weights()
    model.set_weights([np.zeros(weight.shape, np.float32) for weight in model.weights])
    run("convert", tmp_path / "m.ckpt", tmp_path / "m.h5", "--graph", graph)
    model.load_weights(tmp_path / "m.h5")
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), expected, strict=True))


@pytest.mark.parametrize("limit", ["1kB", "200B", "64B"])
def test_shards_are_read_by_their_owners(limit: str, sources: dict[str, Path], tmp_path: Path) -> None:
    run("convert", sources["npz"], tmp_path / "b", "--max-shard-size", limit)
    shards = sorted(tmp_path.glob("b.data-*"))
    assert len(shards) == {"1kB": 1, "200B": 1, "64B": 3}[limit]
    same(oracle.read(tmp_path / "b"), VALUES)
    run("convert", tmp_path / "b", tmp_path / "s.safetensors", "--max-shard-size", limit)
    files = sorted(tmp_path.glob("s*.safetensors"))
    assert len(files) == len(shards)
    found = {key: value for file in files for key, value in safetensors.numpy.load_file(file).items()}
    same(found, VALUES)
    index = tmp_path / "s.safetensors.index.json"
    assert index.exists() == (len(files) > 1)
    run("convert", index if index.exists() else files[0], tmp_path / "back.npz")
    same(owner("npz", tmp_path / "back.npz"), VALUES)


def test_a_shard_size_is_checked(sources: dict[str, Path], tmp_path: Path) -> None:
    assert "is one file" in run("convert", sources["npz"], tmp_path / "x.npz", "--max-shard-size", "1GB", code=2)
    for size in ("0", "x", "-1", "5 parsecs"):
        assert "is no size" in run("convert", sources["npz"], tmp_path / "x", "--max-shard-size", size, code=2)
