"""A model that is known by its file alone is loaded into as the live one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graph_worker.keras_places import places_of_keras_3
from ckptdoctor.graphs.keras_config import read_keras_model
from ckptdoctor.loaders import keras3_weights, keras_h5
from ckptdoctor.loaders.load import Load
from tests.loaders.keras_models import SITUATIONS, L, branches, compiled, dense, functional, graph_of, keras, quantized

KNOWN = [
    "the same sequential model",
    "one layer more in the file",
    "one layer fewer in the file",
    "another head",
    "every layer of another shape",
    "no bias where the file has one",
    "convolution without its bias",
    "dropout, whose seed has no place in a file",
    "statistics where the file has a layer norm",
    "functional models within each other",
    "flat against nested",
    "plain, into a compiled model",
    "another optimizer",
]


def by_place(load: Load, keys: dict[str, str]) -> dict[str, str]:
    """What each variable is given, by its place in the file."""
    return {keys[variable]: stored for variable, stored in load.given.items()}


@pytest.mark.parametrize("situation", KNOWN)
def test_a_keras_file_is_loaded_into_as_its_model_is(situation: str, tmp_path: Path) -> None:
    source, target = (make() for make in SITUATIONS[situation])
    source.save_weights(tmp_path / "w.weights.h5")
    target.save(tmp_path / "m.keras")
    inventory = open_checkpoint(str(tmp_path / "w.weights.h5")).inventory
    graph = read_keras_model(open_checkpoint(str(tmp_path / "m.keras")).inventory)
    said = keras3_weights.load_weights(graph, inventory)
    live = keras3_weights.load_weights(graph_of(target), inventory)
    places = places_of_keras_3(target)
    assert said is not None
    assert live is not None
    assert said.error == live.error
    assert said.causes == live.causes
    assert sorted(said.warnings) == sorted(live.warnings)
    assert by_place(said, {item.key: item.stored for item in graph.variables}) == by_place(
        live, {weight.path: places[id(weight)] for weight in target.weights}
    )


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("situation", [name for name in KNOWN if "optimizer" not in name])
def test_a_legacy_file_is_loaded_into_a_file_as_into_its_model(situation: str, ending: str, tmp_path: Path) -> None:
    source, target = (make() for make in SITUATIONS[situation])
    source.save(tmp_path / "w.h5")
    target.save(tmp_path / f"m{ending}")
    inventory = open_checkpoint(str(tmp_path / "w.h5")).inventory
    graph = read_keras_model(open_checkpoint(str(tmp_path / f"m{ending}")).inventory)
    said = keras_h5.load_weights(graph, inventory)
    live = keras_h5.load_weights(graph_of(target), inventory)
    assert said is not None
    assert live is not None
    assert (
        said.error.partition(" (named")[0].partition("weight ")[0]
        == live.error.partition(" (named")[0].partition("weight ")[0]
    )
    assert list(said.given.values()) == list(live.given.values())


def wide() -> Any:
    start = keras.Input((4,))
    return keras.Model(start, L.Bidirectional(L.LSTM(2))(L.Reshape((2, 2))(start)))


@pytest.mark.parametrize("make", [wide, lambda: quantized(dense(4))], ids=["layers within a layer", "quantized"])
def test_of_other_classes_nothing_is_said(make: Any, tmp_path: Path) -> None:
    make().save(tmp_path / "m.keras")
    assert read_keras_model(open_checkpoint(str(tmp_path / "m.keras")).inventory).keras is None


def test_where_paths_are_not_known_only_what_does_not_fail_is_told(tmp_path: Path) -> None:
    branches(False).save(tmp_path / "m.keras")
    graph = read_keras_model(open_checkpoint(str(tmp_path / "m.keras")).inventory)
    for source, is_told in ((branches(True), True), (functional(L.Dense(3), L.Dense(4)), False)):
        source.save_weights(tmp_path / "w.weights.h5")
        inventory = open_checkpoint(str(tmp_path / "w.weights.h5")).inventory
        assert (keras3_weights.load_weights(graph, inventory) is not None) == is_told


def test_an_optimizer_that_was_saved_is_built_again(tmp_path: Path) -> None:
    compiled(dense(4), built=True).save(tmp_path / "m.keras")
    inventory = open_checkpoint(str(tmp_path / "m.keras")).inventory
    said = keras3_weights.load_weights(read_keras_model(inventory), inventory)
    assert said is not None
    assert not said.error
    assert not said.warnings
