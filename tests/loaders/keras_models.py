"""Keras 3 models, small, and the situations in which a file of one is loaded into another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ckptdoctor.graph_worker.keras_structure import describe_structure
from ckptdoctor.graphs.keras_structure import read_structure
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec

keras = pytest.importorskip("keras")
L = keras.layers


def graph_of(model: Any) -> GraphSpec:
    """A built model as a graph with its structure."""
    variables = tuple(
        Variable(weight.path, weight.path, TensorSpec(dtype_from_name(str(weight.dtype)), tuple(weight.shape)))
        for weight in model.weights
    )
    structure = read_structure(describe_structure(keras, model))
    assert structure is not None
    return GraphSpec("model.py", GraphKind.KERAS_MODEL, variables, keras=structure)


def functional(*layers: Any, size: int = 4) -> Any:
    start = keras.Input((size,))
    end = start
    for layer in layers:
        end = layer(end)
    return keras.Model(start, end)


class Pair(keras.Model):
    """Two layers of equal shapes under attributes whose order is not that of their use."""

    def __init__(self, first: str = "b", second: str = "a") -> None:
        super().__init__()
        setattr(self, first, L.Dense(4))
        setattr(self, second, L.Dense(4))
        self.names = (first, second)

    def call(self, value: Any) -> Any:
        for name in self.names:
            value = getattr(self, name)(value)
        return value


class Held(keras.Model):
    """Layers in a list, in a list of lists, and in a dictionary."""

    def __init__(self, nested: int = 2, units: int = 4) -> None:
        super().__init__()
        self.blocks = [L.Dense(4), L.LayerNormalization(), L.Dense(4)]
        self.grid = [[L.Dense(4) for _ in range(2)] for _ in range(nested)]
        self.heads = {"left": L.Dense(units), "right": L.Dense(4)}

    def call(self, value: Any) -> Any:
        for layer in [*self.blocks, *(layer for row in self.grid for layer in row)]:
            value = layer(value)
        return self.heads["left"](value), self.heads["right"](value)


class Aliased(keras.Model):
    """A layer that two attributes lead to, the first of them in alphabetical order to nothing in some files."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        shared = L.Dense(4)
        for name in names:
            setattr(self, name, shared)
        self.last = L.Dense(4)

    def call(self, value: Any) -> Any:
        return self.last(getattr(self, "one", None)(value))


class Scaled(L.Layer):
    """A layer that keeps its variables under names of its own."""

    def __init__(self, names: tuple[str, str] = ("scale", "shift"), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stored_names = names

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.shift = self.add_weight(shape=(shape[-1],), name="shift")

    def call(self, value: Any) -> Any:
        return value * self.scale + self.shift

    def save_own_variables(self, store: Any) -> None:
        store[self.stored_names[1]] = self.shift
        store[self.stored_names[0]] = self.scale

    def load_own_variables(self, store: Any) -> None:
        self.scale.assign(store[self.stored_names[0]])
        self.shift.assign(store[self.stored_names[1]])


class Odd(Scaled):
    """A layer that computes with what it is given."""

    def load_own_variables(self, store: Any) -> None:
        self.scale.assign(np.sqrt(np.array(store["scale"]) ** 2))


class Unbuilt(keras.Model):
    """A model with a layer that its call does not use."""

    def __init__(self, use: bool) -> None:
        super().__init__()
        self.a = L.Dense(4)
        self.spare = L.Dense(4)
        self.use = use

    def call(self, value: Any) -> Any:
        return self.spare(self.a(value)) if self.use else self.a(value)


class Holder(keras.Model):
    """A subclassed model with a functional one in it, and a variable of its own."""

    def __init__(self, extra: int = 0) -> None:
        super().__init__()
        self.inner = functional(L.Dense(4), L.Dense(4), *[L.Dense(4) for _ in range(extra)])
        self.head = L.Dense(2)
        self.temperature = self.add_weight(shape=(3,), name="temperature")

    def call(self, value: Any) -> Any:
        return self.head(self.inner(value))


def called(model: Any, size: int = 4) -> Any:
    model(np.zeros((1, size), "float32"))
    return model


def compiled(model: Any, optimizer: str = "adam", built: bool = False) -> Any:
    model.compile(optimizer, "mse", metrics=["mae"])
    if built:
        model.optimizer.build(model.trainable_variables)
    return model


def with_lora(model: Any, index: int = 0) -> Any:
    model.layers[index].enable_lora(2)
    return model


def quantized(model: Any) -> Any:
    model.quantize("int8")
    return model


def dense(*units: int, **kwargs: Any) -> Any:
    return keras.Sequential([keras.Input((4,)), *[L.Dense(size, **kwargs) for size in units]])


def shared(times: int) -> Any:
    layer, start = L.Dense(4), keras.Input((4,))
    end = start
    for _ in range(times):
        end = layer(end)
    return keras.Model(start, L.Dense(4)(end))


def branches(swapped: bool) -> Any:
    start = keras.Input((4,))
    left, right = L.Dense(4, name="left"), L.Dense(4, name="right")
    made = [right(start), left(start)] if swapped else [left(start), right(start)]
    return keras.Model(start, L.Add()(made))


def convolutional(**kwargs: Any) -> Any:
    start = keras.Input((8, 8, 3))
    end = L.Conv2D(4, 3, **kwargs)(start)
    end = L.BatchNormalization()(end)
    end = L.DepthwiseConv2D(3)(end)
    return keras.Model(start, L.Dense(2)(L.GlobalAveragePooling2D()(end)))


def sequences() -> Any:
    start = keras.Input((5,), dtype="int32")
    end = L.Embedding(11, 4)(start)
    end = L.MultiHeadAttention(2, 3)(end, end)
    end = L.Bidirectional(L.LSTM(3, return_sequences=True))(end)
    end = L.TimeDistributed(L.Dense(4))(end)
    return keras.Model(start, L.GRU(2)(end))


Situation = tuple[Callable[[], Any], Callable[[], Any]]

SITUATIONS: dict[str, Situation] = {
    "the same sequential model": (lambda: dense(4, 4), lambda: dense(4, 4)),
    "one layer more in the file": (lambda: dense(4, 4, 4), lambda: dense(4, 4)),
    "one layer fewer in the file": (lambda: dense(4, 4), lambda: dense(4, 4, 4)),
    "another head": (lambda: dense(4, 3), lambda: dense(4, 5)),
    "every layer of another shape": (lambda: dense(3, 3), lambda: dense(5, 5)),
    "no bias where the file has one": (lambda: dense(4, 4), lambda: dense(4, 4, use_bias=False)),
    "a bias where the file has none": (lambda: dense(4, 4, use_bias=False), lambda: dense(4, 4)),
    "equal shapes in another order": (lambda: branches(False), lambda: branches(True)),
    "a layer used twice": (lambda: shared(1), lambda: shared(2)),
    "convolutions and statistics": (convolutional, convolutional),
    "convolution without its bias": (convolutional, lambda: convolutional(use_bias=False)),
    "attention and recurrent layers": (sequences, sequences),
    "dropout, whose seed has no place in a file": (
        lambda: functional(L.Dense(4), L.Dropout(0.5), L.Dense(4)),
        lambda: functional(L.Dense(4), L.Dense(4)),
    ),
    "statistics where the file has a layer norm": (
        lambda: functional(L.Dense(4), L.LayerNormalization()),
        lambda: functional(L.Dense(4), L.BatchNormalization()),
    ),
    "the same subclassed model": (lambda: called(Pair()), lambda: called(Pair())),
    "attributes renamed": (lambda: called(Pair("a", "b")), lambda: called(Pair("a", "c"))),
    "attributes swapped": (lambda: called(Pair("a", "b")), lambda: called(Pair("b", "a"))),
    "subclassed against functional": (lambda: called(Pair()), lambda: functional(L.Dense(4), L.Dense(4))),
    "lists and dictionaries of layers": (lambda: called(Held()), lambda: called(Held())),
    "one row more in a list of lists": (lambda: called(Held(2)), lambda: called(Held(3))),
    "one row fewer in a list of lists": (lambda: called(Held(2)), lambda: called(Held(1))),
    "another shape in a dictionary": (lambda: called(Held()), lambda: called(Held(units=3))),
    "a layer that is reached by a later name": (
        lambda: called(Aliased(("one",))),
        lambda: called(Aliased(("alias", "one"))),
    ),
    "a layer under a name that the file lacks": (
        lambda: called(Aliased(("alias", "one"))),
        lambda: called(Aliased(("one",))),
    ),
    "a layer that was never built here": (lambda: called(Unbuilt(True)), lambda: called(Unbuilt(False))),
    "a layer that was never built there": (lambda: called(Unbuilt(False)), lambda: called(Unbuilt(True))),
    "a model within a model": (lambda: called(Holder()), lambda: called(Holder())),
    "a layer more within": (lambda: called(Holder()), lambda: called(Holder(1))),
    "functional models within each other": (
        lambda: functional(functional(L.Dense(4), L.Dense(4)), L.Dense(4)),
        lambda: functional(functional(L.Dense(4), L.Dense(4)), L.Dense(4)),
    ),
    "flat against nested": (
        lambda: functional(L.Dense(4), L.Dense(4), L.Dense(4)),
        lambda: functional(functional(L.Dense(4), L.Dense(4)), L.Dense(4)),
    ),
    "compiled, into a plain model": (lambda: compiled(dense(4), built=True), lambda: dense(4)),
    "plain, into a compiled model": (lambda: dense(4), lambda: compiled(dense(4))),
    "an optimizer that was not built": (lambda: compiled(dense(4), built=True), lambda: compiled(dense(4))),
    "another optimizer": (
        lambda: compiled(dense(4), "adam", built=True),
        lambda: compiled(dense(4), "sgd", built=True),
    ),
    "a plain file into LoRA": (lambda: dense(4, 4), lambda: with_lora(dense(4, 4))),
    "LoRA of an embedding and of a convolution": (
        lambda: functional(L.Dense(4), L.Dense(4)),
        lambda: with_lora(functional(L.Dense(4), L.Dense(4)), 2),
    ),
    "a longer file into LoRA": (
        lambda: functional(L.BatchNormalization()),
        lambda: with_lora(functional(L.Dense(4)), 1),
    ),
    "quantized into quantized": (lambda: quantized(dense(4, 4)), lambda: quantized(dense(4, 4))),
    "quantized into plain": (lambda: quantized(dense(4, 4)), lambda: dense(4, 4)),
    "plain into quantized": (lambda: dense(4, 4), lambda: quantized(dense(4, 4))),
    "a layer with names of its own": (
        lambda: functional(Scaled(), L.Dense(4)),
        lambda: functional(Scaled(), L.Dense(4)),
    ),
    "half precision into full": (lambda: dense(4, dtype="float16"), lambda: dense(4)),
    "bfloat16": (lambda: dense(2, dtype="bfloat16"), lambda: dense(2, dtype="bfloat16")),
    "adapted normalisation": (
        lambda: keras.Sequential([keras.Input((4,)), L.Normalization(), L.Dense(4)]),
        lambda: keras.Sequential([keras.Input((4,)), L.Normalization(), L.Dense(4)]),
    ),
}
