"""A model that is traced without one allocated weight is described as the same model with its weights."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from ckptdoctor.graph_worker.keras_structure import describe_structure
from ckptdoctor.graphs.keras_structure import read_structure
from ckptdoctor.graphs.python_graph import trace_python
from ckptdoctor.graphs.request import GraphRequest

keras = pytest.importorskip("keras")

MODEL = """
import keras
from keras import layers


class Gain(layers.Layer):
    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), name="gain")

    def call(self, inputs):
        return inputs * self.gain

    def save_own_variables(self, store):
        store["gain"] = self.gain

    def load_own_variables(self, store):
        self.gain.assign(store["gain"])


class Net(keras.Model):
    def __init__(self):
        super().__init__(name="net")
        self.blocks = [[layers.Dense(4, name="one"), layers.Dense(4, name="two")], [layers.Dropout(0.5, name="drop")]]
        self.heads = {"a": layers.Dense(2, name="a"), "b": layers.LayerNormalization(name="b")}
        self.gain = Gain(name="gain")
        self.norm = layers.BatchNormalization(name="norm")
        self.embed = layers.Embedding(5, 4, name="embed")
        self.alias = self.embed

    def call(self, inputs):
        value = self.embed(inputs)
        for row in self.blocks:
            for layer in row:
                value = layer(value)
        value = self.norm(self.gain(value))
        return self.heads["a"](value), self.heads["b"](value)


def build():
    model = Net()
    model.build((None, 3))
    model(keras.ops.zeros((1, 3), "int32"))
    model.blocks[0][0].enable_lora(2)
    model.compile("adam", "mse")
    return model
"""


def test_a_traced_model_is_described_as_a_live_one(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODEL)
    traced = trace_python(GraphRequest(str(file), "build", cache=False)).keras
    keras.backend.clear_session()  # so that an optimizer is numbered as in a process of its own
    live = read_structure(describe_structure(keras, runpy.run_path(str(file))["build"]()))
    assert live is not None
    assert traced == live
    assert {own.only for saveable in live.saveables if (own := saveable.own) is not None} == {None, ("gain",)}
    assert all(saveable.own.known for saveable in live.saveables if saveable.own is not None)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": [["a", [99], "Dense", True]]},
        {"top_level": [7]},
        {"containers": [[["x", -1, -1]]]},
        {"generation": "three"},
        {"variables": [["a", [2], "no type"]]},
    ],
    ids=[
        "a weight that is not there",
        "a variable that is not there",
        "a child that is nothing",
        "no number",
        "no type",
    ],
)
def test_a_structure_that_contradicts_itself_is_not_taken(change: dict[str, object]) -> None:
    described = describe_structure(keras, keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    assert read_structure(described) is not None
    assert read_structure({**(described or {}), **change}) is None
