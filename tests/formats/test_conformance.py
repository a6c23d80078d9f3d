"""Every format that is read, as its owner writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import safetensors.numpy

from tests.formats import oracle
from tests.formats.conformance import FormatConformance, Values, without_groups

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def save_npz(path: Path, values: Values) -> None:
    with path.open("wb") as file:
        np.savez(file, **values)


def save_hdf5(path: Path, values: Values) -> None:
    with h5py.File(path, "w") as file:
        for key, value in values.items():
            file[key] = value


def save_safetensors(path: Path, values: Values) -> None:
    path.write_bytes(safetensors.numpy.save({key: np.asarray(value, order="C") for key, value in values.items()}))


class TestNpz(FormatConformance):
    def write(self, directory: Path, stem: str, values: Values) -> Path:
        save_npz(directory / stem, values)
        return directory / stem


class TestPackedNpz(FormatConformance):
    def write(self, directory: Path, stem: str, values: Values) -> Path:
        with (directory / stem).open("wb") as file:
            np.savez_compressed(file, **values)
        return directory / stem


class TestSafetensors(FormatConformance):
    checked = False

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        save_safetensors(directory / stem, values)
        return directory / stem


class TestHdf5(FormatConformance):
    checked = False

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        save_hdf5(directory / stem, values)
        return directory / stem


class TestChunkedHdf5(FormatConformance):
    checked = False

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        with h5py.File(directory / stem, "w") as file:
            for key, value in values.items():
                options = {"chunks": True, "compression": "gzip"} if value.size and value.ndim else {}
                file.create_dataset(key, data=value, **options)
        return directory / stem


class TestTensorBundle(FormatConformance):
    def adapt(self, values: Values) -> Values:
        return values

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        oracle.save_raw(directory / stem, values)
        return directory / stem


class TestV1(FormatConformance):
    examples = 12

    def adapt(self, values: Values) -> Values:
        # TensorFlow cannot write an empty tensor or a half into a V1 file and read it back.
        return {key: value for key, value in values.items() if value.size and value.dtype != np.float16}

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        return Path(oracle.save(directory / stem, values, version=1))


class TestObjectBundle(FormatConformance):
    """A `tf.train.Checkpoint` of variables, under the keys of its object graph."""

    examples = 8

    def adapt(self, values: Values) -> Values:
        return {key.replace("/", "_"): value for key, value in values.items()}

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        import tensorflow as tf

        variables = {key: tf.Variable(value) for key, value in values.items()}
        tf.train.Checkpoint(**variables).write(str(directory / stem))
        return directory / stem

    def expected(self, values: Values) -> Values:
        return {key + VALUE: value for key, value in values.items()}

    def open(self, path: Path) -> Any:
        return _Without(super().open(path), "_CHECKPOINTABLE_OBJECT_GRAPH")


class TestSavedModel(TestObjectBundle):
    """The variables of a `tf.Module` that was saved whole."""

    examples = 4

    def adapt(self, values: Values) -> Values:
        return {f"v_{key}": value for key, value in super().adapt(values).items()}

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        import tensorflow as tf

        module = tf.Module()
        for key, value in values.items():
            setattr(module, key, tf.Variable(value))
        tf.saved_model.save(module, str(directory / stem))
        return directory / stem

    def files(self, path: Path) -> list[Path]:
        return sorted(file for file in (path / "variables").iterdir())

    def test_the_name_decides_nothing(self, tmp_path: Path) -> None:
        """A SavedModel is a directory, and is named by it."""


class TestFrozenGraph(FormatConformance):
    checked = False
    examples = 12

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        import tensorflow as tf

        with tf.Graph().as_default() as graph:
            for key, value in values.items():
                tf.compat.v1.constant(value, name=key)
        definition = graph.as_graph_def()
        # Nodes are the last thing in the file, so that its end can be missed.
        definition.ClearField("versions")
        (directory / stem).write_bytes(definition.SerializeToString(deterministic=True))
        return directory / stem

    def test_every_truncation_is_an_error(self, tmp_path: Path) -> None:
        """A message that ends between two nodes is a shorter graph: the format has no length of its own."""


class TestKerasWeights(FormatConformance):
    """Keras 3's `.weights.h5` of a model with one layer a value."""

    checked = False
    examples = 6

    def adapt(self, values: Values) -> Values:
        floats = without_groups(values).values()
        return {f"layers/holder{f'_{n}' if n else ''}/vars/0": value.astype("<f4") for n, value in enumerate(floats)}

    def model(self, values: Values) -> Any:
        import keras

        class Holder(keras.layers.Layer):
            def __init__(self, shape: tuple[int, ...]) -> None:
                super().__init__()
                self.shape = shape
                self.weight = self.add_weight(shape=shape, name="kernel")
                self.built = True

            def get_config(self) -> dict[str, Any]:
                return {"shape": list(self.shape)}

            def call(self, inputs: Any) -> Any:
                return inputs

        model = keras.Sequential([keras.Input((1,)), *(Holder(value.shape) for value in values.values())])
        model.set_weights(list(values.values()))
        return model

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        path = directory / f"{stem}.weights.h5"
        self.model(values).save_weights(path)
        return path


class TestKerasModel(TestKerasWeights):
    """The same in a `.keras` archive, which has checksums."""

    checked = True

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        path = directory / f"{stem}.keras"
        self.model(values).save(path)
        return path


class _Without:
    """A checkpoint without one key."""

    def __init__(self, checkpoint: Any, key: str) -> None:
        from dataclasses import replace

        self._checkpoint = checkpoint
        inventory = checkpoint.inventory
        self.inventory = replace(inventory, entries={k: e for k, e in inventory.entries.items() if k != key})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._checkpoint, name)
