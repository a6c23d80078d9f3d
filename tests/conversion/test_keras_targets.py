"""What is written for Keras is loaded by Keras, variable by variable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ckptdoctor
from ckptdoctor.errors import UsageError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

NESTED = """
import keras
from keras import layers


def tower(name):
    return keras.Sequential([keras.Input((6,)), layers.Dense(6, name="z"), layers.BatchNormalization(name="b"),
                             layers.Dense(6, use_bias=False, name="a")], name=name)


def model():
    given = keras.Input((6,))
    x = tower("second")(layers.Dense(6, name="stem")(given))
    return keras.Model(given, layers.BatchNormalization(name="after")(tower("first")(x)), name="net")
"""


def built(text: str) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    keras.backend.clear_session()
    return names["model"]()


def fill(model: Any, seed: int) -> list[Any]:
    """Values of its own for every variable; what the model's own weights are afterwards."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.random(weight.shape).astype(np.float32) + 1 for weight in model.get_weights()])
    return list(model.get_weights())


def equal(model: Any, expected: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), expected, strict=True))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    directory = tmp_path_factory.mktemp("nested")
    (directory / "graph.py").write_text(NESTED)
    model = built(NESTED)
    expected = fill(model, 1)
    for name in ("m.h5", "m.keras"):
        model.save(directory / name)
    model.save_weights(directory / "m.weights.h5")
    return directory, expected


@pytest.mark.parametrize(
    ("source", "graph"),
    [
        *(("m.h5", graph) for graph in ("", "graph.py:model", "m.h5", "live")),
        *(("m.keras", graph) for graph in ("", "graph.py:model", "live")),
    ],
)
def test_a_legacy_file_keeps_the_order_of_layers_and_of_weights(
    source: str, graph: str, saved: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    directory, expected = saved
    given: Any = built(NESTED) if graph == "live" else str(directory / graph) if graph else None
    ckptdoctor.convert(directory / source, tmp_path / "out.h5", graph=given)
    again = built(NESTED)
    again.load_weights(tmp_path / "out.h5")
    assert equal(again, expected)
    fill(again, 2)
    again.load_weights(tmp_path / "out.h5", by_name=True)
    assert equal(again, expected)


@pytest.mark.parametrize("source", ["m.weights.h5", "m.npz"])
def test_the_order_of_layers_is_never_guessed(source: str, saved: tuple[Path, list[Any]], tmp_path: Path) -> None:
    directory, _ = saved
    if source == "m.npz":
        np.savez(directory / source, **{"b/kernel": np.ones(3), "a/kernel": np.ones(3)})
    with pytest.raises(UsageError, match="order of a model's layers") as raised:
        ckptdoctor.convert(directory / source, tmp_path / "out.h5")
    assert "--graph model.py" in str(raised.value.hint)
    assert not list(tmp_path.iterdir())


def test_a_list_of_names_too_long_for_hdf5_is_cut_as_keras_cuts_it(tmp_path: Path) -> None:
    long = "n" * 700
    model = keras.Sequential([keras.Input((1,)), *(keras.layers.Dense(1, name=f"{long}{n}") for n in range(120))])
    expected = fill(model, 3)
    model.save(tmp_path / "m.h5")
    ckptdoctor.convert(tmp_path / "m.h5", tmp_path / "out.h5")
    fill(model, 4)
    model.load_weights(tmp_path / "out.h5")
    assert equal(model, expected)


def test_a_layer_of_which_a_weight_is_absent_is_left_out_whole(tmp_path: Path) -> None:
    """Never a bias of another head beside a dropped kernel."""

    def net(classes: int) -> Any:
        keras.backend.clear_session()
        layers = [keras.layers.Dense(4, name="body"), keras.layers.Dense(classes, name="head")]
        return keras.Sequential([keras.Input((3,)), *layers])

    model = net(3)
    expected = fill(model, 5)
    values = dict(zip([weight.path for weight in model.weights], expected, strict=True))
    del values["sequential/head/kernel"]
    np.savez(tmp_path / "m.npz", **values)
    model = net(3)
    conversion = ckptdoctor.plan_conversion(tmp_path / "m.npz", tmp_path / "out.h5", graph=model)
    assert any("head: the source has 1 of its 2 weights" in note for note in conversion.plan.notes)
    conversion.run()
    fresh = fill(model, 6)
    model.load_weights(tmp_path / "out.h5", by_name=True, skip_mismatch=True)
    assert equal(model, expected[:2] + fresh[2:])
