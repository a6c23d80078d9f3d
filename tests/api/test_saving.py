"""What `save` writes, read by each format's owner; and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import ckptdoctor
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY
from tests.api.made import PARTITIONED, VALUES, bundle

ARRAYS = {
    "net/kernel": np.arange(12, dtype=np.float32).reshape(3, 4) * 0.5 - 1,
    "net/bias": np.arange(4, dtype=np.float32)[::-1] * 0.25,
    "step": np.int64(41),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("saving"))


def from_tensorflow(path: Path) -> dict[str, np.ndarray]:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path))
    return {key: np.asarray(reader.get_tensor(key)) for key in reader.get_variable_to_shape_map()}


def assert_same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        array = np.asarray(value)
        assert found[key].shape == array.shape, key
        assert found[key].tolist() == array.tolist(), key


def test_tensorflow_reads_a_dict_of_arrays(tmp_path: Path) -> None:
    odd = {
        "big endian": np.arange(3, dtype=">f4") + 0.5,
        "columns": np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        "half": np.array([1.5, -2.0], dtype=ml_dtypes.bfloat16),
        "words": np.array([["a", "bc"], ["", "é"]]),
        "raw": np.array([b"\xff\x01"], dtype=object),
        "name": "vgg",
        "empty": np.zeros((0, 3), dtype=np.int32),
        "flag": True,
        "rate": 0.5,
        "complex": np.array([1 + 2j], dtype=np.complex64),
    }
    receipt = ckptdoctor.save(tmp_path / "new.ckpt", {**ARRAYS, **odd})
    assert receipt.tensors == len(ARRAYS) + len(odd)
    assert set(receipt.files) == set(tmp_path.iterdir())
    found = from_tensorflow(tmp_path / "new.ckpt")
    words = {
        "words": np.array([[b"a", b"bc"], [b"", "é".encode()]], dtype=object),
        "name": np.array(b"vgg", dtype=object),
    }
    assert_same(found, {**ARRAYS, **odd, **words})
    assert found["half"].dtype == ml_dtypes.bfloat16
    assert ckptdoctor.verify(tmp_path / "new.ckpt").proved


def test_each_formats_owner_reads_it(tmp_path: Path) -> None:
    import h5py
    from safetensors.numpy import load_file

    for name in ("a.npz", "a.safetensors", "a.h5"):
        ckptdoctor.save(tmp_path / name, ARRAYS if name != "a.h5" else {k: v for k, v in ARRAYS.items() if k != "step"})
    with np.load(tmp_path / "a.npz") as archive:
        assert_same(dict(archive), ARRAYS)
    assert_same(load_file(tmp_path / "a.safetensors"), ARRAYS)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["net/net/kernel"][...].tolist() == ARRAYS["net/kernel"].tolist()
        # Keras goes by position: the order is the dict's.
        assert list(file["net"].attrs["weight_names"]) == [b"net/kernel", b"net/bias"]


def test_arrays_of_tensorflow_and_keras_are_taken(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    tensors = {"t": tf.constant([1.5, 2.5]), "v": tf.Variable([[3.0]]), "k": keras.Variable(np.ones(2, np.float32) * 7)}
    ckptdoctor.save(tmp_path / "a.npz", tensors)
    with np.load(tmp_path / "a.npz") as archive:
        assert {key: archive[key].tolist() for key in archive} == {"t": [1.5, 2.5], "v": [[3.0]], "k": [7.0, 7.0]}


def test_an_opened_checkpoint_is_saved_with_a_change(saved: Path, tmp_path: Path) -> None:
    import tensorflow as tf

    with ckptdoctor.open(saved) as ckpt:
        edited = ckpt["matrix"].numpy()
        edited[2, 1] = -77.0
        receipt = ckptdoctor.save(tmp_path / "edited.ckpt", {**ckpt, "matrix": edited, "copy": ckpt[PARTITIONED]})
        assert receipt.tensors == len(ckpt) + 1
    found = from_tensorflow(tmp_path / "edited.ckpt")
    assert_same(found, {**VALUES, "matrix": edited, "copy": VALUES[PARTITIONED]})
    assert tf.train.load_checkpoint(str(saved)).get_tensor("matrix").tolist() != edited.tolist()


def test_two_checkpoints_become_one(saved: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.arange(3, dtype=np.float32))
    with ckptdoctor.open(saved) as ckpt, ckptdoctor.open(tmp_path / "other.npz") as other:
        ckptdoctor.save(tmp_path / "both.npz", {"m": ckpt["matrix"], "a": other["a"], "p": ckpt[PARTITIONED]})
    with np.load(tmp_path / "both.npz") as archive:
        assert_same(dict(archive), {"m": VALUES["matrix"], "a": np.arange(3), "p": VALUES[PARTITIONED]})


def test_what_is_not_edited_is_not_loaded(tmp_path: Path) -> None:
    size = 96 * 1024 * 1024
    np.savez(tmp_path / "large.npz", large=np.ones(size // 4, dtype=np.float32))
    program = (
        "import resource, numpy as np, ckptdoctor\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with ckptdoctor.open('large.npz') as ckpt:\n"
        "    ckptdoctor.save('warm.ckpt', {'small': np.ones(2)})\n"
        "    before = peak()\n"
        "    ckptdoctor.save('out.ckpt', {**ckpt, 'small': np.ones(2)})\n"
        "    print((peak() - before) * 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stdout) < size / 4
    assert (tmp_path / "out.ckpt.data-00000-of-00001").stat().st_size > size


def objects(directory: Path) -> Path:
    """A TensorFlow 2 checkpoint of two variables."""
    import tensorflow as tf

    root = tf.train.Checkpoint(a=tf.Variable([1.0, 2.0]), b=tf.Variable([3.0]))
    return Path(root.save(str(directory / "objects")))


def test_the_object_graph_stays_while_it_describes_every_key(tmp_path: Path) -> None:
    import tensorflow as tf

    path = objects(tmp_path)
    a = "a/.ATTRIBUTES/VARIABLE_VALUE"
    with ckptdoctor.open(path) as ckpt:
        assert OBJECT_GRAPH_KEY not in ckpt
        ckptdoctor.save(tmp_path / "edited", {**ckpt, a: np.array([5.0, 6.0], dtype=np.float32)})
        ckptdoctor.save(tmp_path / "more", {**ckpt, "more": np.ones(1)})
        ckptdoctor.save(tmp_path / "less", {a: ckpt[a]})
        ckptdoctor.save(tmp_path / "moved", {f"x/{key}": tensor for key, tensor in ckpt.items()})
        ckptdoctor.save(tmp_path / "as.npz", dict(ckpt))
    for name in ("edited", "more"):
        root = tf.train.Checkpoint(a=tf.Variable([0.0, 0.0]), b=tf.Variable([0.0]))
        root.restore(str(tmp_path / name)).assert_consumed()
        assert root.b.numpy().tolist() == [3.0]
        assert root.a.numpy().tolist() == ([5.0, 6.0] if name == "edited" else [1.0, 2.0])
    for name in ("less", "moved", "as.npz"):
        assert OBJECT_GRAPH_KEY not in open_checkpoint(str(tmp_path / name)).inventory.entries
    # As TensorFlow's own reader gives it: one of the keys.
    everything = {key: np.asarray(value) for key, value in from_tensorflow(path).items()}
    ckptdoctor.save(tmp_path / "all", everything)
    assert OBJECT_GRAPH_KEY in open_checkpoint(str(tmp_path / "all")).inventory.entries
    ckptdoctor.save(tmp_path / "part", {key: everything[key] for key in (a, OBJECT_GRAPH_KEY)})
    assert open_checkpoint(str(tmp_path / "part")).inventory.entries.keys() == {a}


def test_keras_loads_the_weights_that_were_edited(tmp_path: Path) -> None:
    import keras

    def build() -> keras.Model:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(1)])
        for number, weight in enumerate(model.weights):
            weight.assign(np.arange(weight.numpy().size, dtype=np.float32).reshape(weight.shape) + number * 100)
        return model

    model = build()
    for name in ("m.weights.h5", "m.keras", "m.h5"):
        (model.save_weights if name == "m.weights.h5" else model.save)(tmp_path / name)
        with ckptdoctor.open(tmp_path / name) as ckpt:
            key = next(key for key, tensor in ckpt.items() if tensor.shape == (3, 2))
            ckptdoctor.save(tmp_path / f"new.{name}", {**ckpt, key: ckpt[key][...] * 2})
        if name == "m.keras":
            loaded = keras.models.load_model(tmp_path / f"new.{name}")
        else:
            loaded = build()
            loaded.load_weights(tmp_path / f"new.{name}")
        expected = [weight.numpy() for weight in model.weights]
        expected[0] = expected[0] * 2
        assert [weight.numpy().tolist() for weight in loaded.weights] == [value.tolist() for value in expected]


def test_it_is_several_files_where_that_is_asked_for(tmp_path: Path) -> None:
    receipt = ckptdoctor.save(tmp_path / "s.ckpt", ARRAYS, max_shard_size=40)
    assert sum(".data-" in path.name for path in receipt.files) > 1
    assert_same(from_tensorflow(tmp_path / "s.ckpt"), ARRAYS)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": np.array(["2020-01-01"], dtype="datetime64[D]")}, "a holds elements of datetime64"),
        ({"a": np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f4")])}, "a holds elements of"),
        ({"a": np.array([object()])}, "a holds elements of object"),
        ({"a": np.array([b"x", 3], dtype=object)}, "a holds elements of object"),
        ({"a": {1.0, 2.0}}, "a is a set, which is no array"),
        ({"a": np.ma.masked_array([1.0, 2.0], [False, True])}, "a is a masked array"),
        ({"a": None}, "a is a NoneType, which is no array"),
        ({"": np.ones(1)}, "'' is no key"),
        ({"\0x": np.ones(1)}, "is no key"),
        ({3: np.ones(1)}, "3 is no key"),
        ({}, "nothing to save"),
        ([np.ones(1)], "list is no mapping"),
    ],
    ids=str,
)  # fmt: skip
def test_what_no_checkpoint_holds_is_refused(tensors: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(ckptdoctor.UsageError, match=message.replace("(", r"\(")) as caught:
        ckptdoctor.save(tmp_path / "a.ckpt", tensors)  # type: ignore[arg-type]
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.npz", "a.weights.h5", "a.h5", "a.keras"])
def test_what_a_format_does_not_hold_is_refused(name: str, tmp_path: Path) -> None:
    tensors = {"half": np.ones(2, dtype=ml_dtypes.bfloat16)} if name == "a.npz" else {"net/w": np.array([b"x"])}
    with pytest.raises(ckptdoctor.UsageError) as caught:
        ckptdoctor.save(tmp_path / name, tensors)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_an_array_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    class Remote:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            raise RuntimeError("it is on another device")

    with pytest.raises(ckptdoctor.UsageError, match="it is on another device"):
        ckptdoctor.save(tmp_path / "a.npz", {"a": Remote()})


def test_nothing_is_overwritten_without_force(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "a.npz", {"a": np.ones(1)})
    with pytest.raises(ckptdoctor.OutputError, match="exists"):
        ckptdoctor.save(tmp_path / "a.npz", {"a": np.zeros(1)})
    assert ckptdoctor.open(tmp_path / "a.npz")["a"][0] == 1
    ckptdoctor.save(tmp_path / "a.npz", {"a": np.zeros(1)}, force=True)
    assert ckptdoctor.open(tmp_path / "a.npz")["a"][0] == 0


@pytest.mark.parametrize("suffix", ["", ".index", ".data-00000-of-00001"])
def test_the_opened_checkpoint_is_never_replaced(suffix: str, tmp_path: Path) -> None:
    path = bundle(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with ckptdoctor.open(path) as ckpt:
        with pytest.raises(ckptdoctor.UsageError, match="saved from"):
            ckptdoctor.save(f"{path}{suffix}", {**ckpt, "matrix": np.ones(1)}, force=True)
        assert ckpt["matrix"][...].tolist() == VALUES["matrix"].tolist()
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_one_file_is_never_replaced_by_itself(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.arange(3))
    with ckptdoctor.open(tmp_path / "a.npz") as ckpt:
        with pytest.raises(ckptdoctor.UsageError, match="saved from"):
            ckptdoctor.save(tmp_path / "." / "a.npz", ckpt, force=True)
        # Arrays in memory need the file no more.
        ckptdoctor.save(tmp_path / "a.npz", {"a": ckpt["a"][...] + 1}, force=True)
    with np.load(tmp_path / "a.npz") as archive:
        assert archive["a"].tolist() == [1, 2, 3]


def test_a_damaged_source_leaves_nothing_behind(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    data = Path(f"{path}.data-00000-of-00001")
    data.write_bytes(bytes(byte ^ 0xFF for byte in data.read_bytes()))
    before = set(tmp_path.iterdir())
    with ckptdoctor.open(path) as ckpt, pytest.raises(ckptdoctor.FormatError, match="crc"):
        ckptdoctor.save(tmp_path / "new.ckpt", {"matrix": ckpt["matrix"]})
    assert set(tmp_path.iterdir()) == before
