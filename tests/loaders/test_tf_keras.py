"""tf_keras's loaders of HDF5 files, variable by variable; tf_keras is looked for, and need not be installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graph_worker.keras_2_structure import describe_keras_2
from ckptdoctor.graph_worker.objects import Objects
from ckptdoctor.graphs.keras_structure import read_structure
from ckptdoctor.graphs.tracked_objects import object_graph
from ckptdoctor.loaders.keras_calls import load_weights
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec
from tests.loaders.observed import OWN, STORED, Observed, assert_agrees, fill, observe

tf = pytest.importorskip("tensorflow")
keras = pytest.importorskip("tf_keras")
L = keras.layers


def key(weight: Any) -> str:
    return str(weight.name).partition(":")[0]


def graph_of(model: Any) -> GraphSpec:
    variables = tuple(
        Variable(key(weight), key(weight), TensorSpec(dtype_from_name(weight.dtype.name), tuple(weight.shape)))
        for weight in model.weights
    )
    structure = read_structure(describe_keras_2(model))
    assert structure is not None
    return GraphSpec("model.py", GraphKind.KERAS_MODEL, variables, keras=structure)


def run(source: Any, target: Any, path: Path, options: dict[str, bool]) -> tuple[Load | None, Observed]:
    fill(source.weights, STORED)
    fill(target.weights, OWN)
    source.save_weights(path)
    checkpoint = open_checkpoint(str(path))
    stored = {name: np.array(checkpoint.read(name)) for name in checkpoint.inventory.entries}
    said = load_weights(graph_of(target), checkpoint.inventory, **options)
    variables = {key(weight): weight for weight in target.weights}
    return said, observe(variables, stored, lambda: target.load_weights(path, **options))


def dense(*units: int, names: str = "abcdef", **kwargs: Any) -> Any:
    layers = [L.Dense(size, name=name, **kwargs) for size, name in zip(units, names, strict=False)]
    return keras.Sequential([keras.Input((4,)), *layers])


def nested(units: int) -> Any:
    start = keras.Input((4,))
    return keras.Model(start, L.Dense(units, name="head")(keras.Sequential(dense(4, 4).layers, name="body")(start)))


def convolutional(head: int, **kwargs: Any) -> Any:
    start = keras.Input((8, 8, 3))
    end = L.BatchNormalization(name="norm")(L.Conv2D(4, 3, name="conv", **kwargs)(start))
    end = L.GlobalAveragePooling2D()(L.DepthwiseConv2D(3, name="depth")(end))
    return keras.Model(start, L.Dense(head, name="head")(end))


def recurrent(units: int, layer: str = "LSTM", **kwargs: Any) -> Any:
    start = keras.Input((5, 3))
    end = L.Bidirectional(getattr(L, layer)(units, return_sequences=True, **kwargs), name="both")(start)
    return keras.Model(start, getattr(L, layer)(units, name="last", **kwargs)(end))


class Own(keras.Model):  # type: ignore[misc]
    """A model with a variable of its own."""

    def __init__(self, shapes: tuple[int, ...]) -> None:
        super().__init__()
        self.head = L.Dense(4, name="head")
        for number, size in enumerate(shapes):
            self.add_weight(shape=(size,), name=f"own_{number}")

    def call(self, value: Any) -> Any:
        return self.head(value)


def own(*shapes: int) -> Any:
    model = Own(shapes)
    model(np.zeros((1, 4), "float32"))
    return model


class Held(keras.Model):  # type: ignore[misc]
    """Layers in a list and a dictionary, one of them under two names."""

    def __init__(self, units: int = 4, count: int = 2) -> None:
        super().__init__()
        self.blocks = [L.Dense(4) for _ in range(count)]
        self.heads = {"a": L.Dense(units), "b": L.Dense(4)}
        self.alias = self.blocks[0]

    def call(self, value: Any) -> Any:
        for layer in self.blocks:
            value = layer(value)
        return self.heads["a"](value), self.heads["b"](value)


def held(units: int = 4, count: int = 2) -> Any:
    model = Held(units, count)
    model(np.zeros((1, 4), "float32"))
    return model


def compiled(model: Any, trained: bool = False) -> Any:
    model.compile("adam", "mse", metrics=["mae"])
    if trained:
        model.fit(np.zeros((2, 4), "float32"), np.zeros((2, 4), "float32"), verbose=0)
    return model


STRUCTURED: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "containers": (held, held),
    "another shape in a container": (held, lambda: held(3)),
    "a longer list": (held, lambda: held(4, 3)),
    "a shorter list": (lambda: held(4, 3), held),
    "compiled into plain": (lambda: compiled(dense(4)), lambda: dense(4)),
    "plain into compiled": (lambda: dense(4), lambda: compiled(dense(4))),
    "trained into compiled": (lambda: compiled(dense(4), True), lambda: compiled(dense(4))),
    "compiled into trained": (lambda: compiled(dense(4)), lambda: compiled(dense(4), True)),
}


SITUATIONS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "the same": (lambda: dense(4, 4), lambda: dense(4, 4)),
    "other names": (lambda: dense(4, 4), lambda: dense(4, 4, names="xy")),
    "names in another order": (lambda: dense(4, 4), lambda: dense(4, 4, names="ba")),
    "one layer more": (lambda: dense(4, 4), lambda: dense(4, 4, 4)),
    "one layer fewer": (lambda: dense(4, 4, 4), lambda: dense(4, 4)),
    "another head": (lambda: dense(4, 3), lambda: dense(4, 5)),
    "no bias here": (lambda: dense(4, 4), lambda: dense(4, 4, use_bias=False)),
    "no bias there": (lambda: dense(4, 4, use_bias=False), lambda: dense(4, 4)),
    "a model within": (lambda: nested(2), lambda: nested(2)),
    "another head on a model within": (lambda: nested(2), lambda: nested(3)),
    "flat into nested": (lambda: dense(4, 4, 2), lambda: nested(2)),
    "convolutions": (lambda: convolutional(2), lambda: convolutional(2)),
    "convolutions, another head": (lambda: convolutional(2), lambda: convolutional(3)),
    "a convolution without its bias": (lambda: convolutional(2), lambda: convolutional(2, use_bias=False)),
    "recurrent": (lambda: recurrent(3), lambda: recurrent(3)),
    "gated": (lambda: recurrent(3, "GRU"), lambda: recurrent(3, "GRU")),
    "own variables": (lambda: own(3), lambda: own(3)),
    "own variables of another shape": (lambda: own(3), lambda: own(5)),
    "own variables where there are none": (lambda: own(3), own),
}


@pytest.mark.parametrize(
    "options",
    [{}, {"skip_mismatch": True}, {"by_name": True}, {"by_name": True, "skip_mismatch": True}],
    ids=["by order", "by order, skipping", "by name", "by name, skipping"],
)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_tf_keras_does_what_is_said(situation: str, options: dict[str, bool], tmp_path: Path) -> None:
    source, target = SITUATIONS[situation]
    said, real = run(source(), target(), tmp_path / "x.h5", options)
    assert said is not None
    said_without_warnings = Load(said.call, said.given, said.kept, said.error)  # they are logged
    assert_agrees(said_without_warnings, real)


@pytest.mark.parametrize("skip_mismatch", [False, True], ids=["strict", "skip_mismatch"])
@pytest.mark.parametrize("situation", [*SITUATIONS, *STRUCTURED])
def test_weights_by_attribute_paths_load_as_is_said(situation: str, skip_mismatch: bool, tmp_path: Path) -> None:
    source, target = {**SITUATIONS, **STRUCTURED}[situation]
    said, real = run(source(), target(), tmp_path / "x.weights.h5", {"skip_mismatch": skip_mismatch})
    assert said is not None
    printed = [text for text in said.warnings if text.startswith("Could")]
    assert len(printed) == sum(text.startswith("Could") for text in real.warnings)
    assert_agrees(Load(said.call, said.given, said.kept, said.error), Observed(real.held, real.error, ()))


@pytest.mark.parametrize(
    ("source", "target"),
    [(lambda: dense(4, 4), lambda: dense(4, 4)), (lambda: dense(4, 3), lambda: dense(4, 5)), (held, lambda: own(3))],
    ids=["the same", "another head", "nothing in common"],
)
def test_tensorflows_format_loads_as_is_said(
    source: Callable[[], Any], target: Callable[[], Any], tmp_path: Path
) -> None:
    stored_model, model = source(), target()
    fill(stored_model.weights, STORED)
    fill(model.weights, OWN)
    stored_model.save_weights(str(tmp_path / "weights"))
    checkpoint = open_checkpoint(str(tmp_path / "weights"))
    stored = {name: np.array(checkpoint.read(name)) for name in checkpoint.inventory.variables}
    objects = Objects(tf, tf.train.Checkpoint(model=model))
    nodes = {key(weight): objects.numbers[id(weight)] for weight in model.weights}
    graph = graph_of(model)
    graph = replace(
        graph,
        variables=tuple(replace(variable, node=nodes[variable.key]) for variable in graph.variables),
        objects=object_graph(objects.children, {node: name for name, node in nodes.items()}),
        wrapped=True,
    )
    said = load_weights(graph, checkpoint.inventory)
    assert said is not None
    variables = {key(weight): weight for weight in model.weights}
    real = observe(variables, stored, lambda: model.load_weights(str(tmp_path / "weights")))
    assert {**said.given, **dict.fromkeys(said.kept, "kept")} == real.held
    assert real.error.startswith(said.error) if said.error else not real.error


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (lambda: convolutional(2, kernel_initializer="zeros"), lambda: convolutional(2)),
        (lambda: recurrent(3), lambda: recurrent(4)),
    ],
    ids=["a file of Keras 1", "recurrent layers of another size"],
)
def test_nothing_is_said_where_weights_may_be_rearranged(
    source: Callable[[], Any], target: Callable[[], Any], tmp_path: Path
) -> None:
    import h5py

    source().save_weights(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "a") as file:
        del file.attrs["keras_version"]
    assert load_weights(graph_of(target()), open_checkpoint(str(tmp_path / "x.h5")).inventory) is None
