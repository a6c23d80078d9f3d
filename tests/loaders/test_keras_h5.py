"""Keras 3's legacy loader of HDF5 files, variable by variable, against what is said that it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.loaders.keras_h5 import load_weights
from ckptdoctor.loaders.load import Load
from tests.loaders.keras_models import SITUATIONS, L, called, dense, functional, graph_of, keras
from tests.loaders.observed import OWN, STORED, Observed, assert_agrees, fill, observe


class Own(keras.Model):  # type: ignore[misc]
    """A model with variables of its own beside a layer."""

    def __init__(self, count: int, units: int = 4) -> None:
        super().__init__()
        self.head = L.Dense(units)
        for number in range(count):
            self.add_weight(shape=(3,), name=f"own_{number}")

    def call(self, value: Any) -> Any:
        return self.head(value)


CALLS: dict[str, dict[str, bool]] = {
    "by order": {},
    "by order, skipping": {"skip_mismatch": True},
    "by name": {"by_name": True},
    "by name, skipping": {"by_name": True, "skip_mismatch": True},
}


def run(
    source: Any, target: Any, path: Path, options: dict[str, bool], same_names: bool
) -> tuple[Load | None, Observed]:
    fill(source.weights, STORED)
    fill(target.weights, OWN)
    write(source, target, path, same_names)
    checkpoint = open_checkpoint(str(path))
    stored = {key: np.array(checkpoint.read(key)) for key in checkpoint.inventory.entries}
    said = load_weights(graph_of(target), checkpoint.inventory, **options)
    variables = {weight.path: weight for weight in target.weights}
    return said, observe(variables, stored, lambda: target.load_weights(path, **options))


def write(source: Any, target: Any, path: Path, same_names: bool) -> None:
    """Writes a legacy file; Keras numbers its names on, so that a second model has others."""
    from keras.src.legacy.saving import legacy_h5_format

    if same_names:
        for layer, other in zip(source.layers, target.layers, strict=False):
            layer._name = layer.name if type(layer) is not type(other) else other.name
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, source)


LEGACY = [name for name in SITUATIONS if name not in ("bfloat16", "a model within a model", "a layer more within")]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("situation", LEGACY)
def test_the_legacy_loader_does_what_is_said(situation: str, call: str, tmp_path: Path) -> None:
    source, target = SITUATIONS[situation]
    said, real = run(source(), target(), tmp_path / "x.h5", CALLS[call], same_names=True)
    assert_agrees(said, real)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("stored", "expected"), [(0, 1), (1, 0), (1, 1), (0, 2)], ids=["one more", "one fewer", "one each", "two more"]
)
def test_the_models_own_variables_load_as_is_said(stored: int, expected: int, call: str, tmp_path: Path) -> None:
    said, real = run(called(Own(stored)), called(Own(expected)), tmp_path / "x.h5", CALLS[call], same_names=True)
    assert_agrees(said, real)


def test_by_order_names_mean_nothing_and_by_name_they_mean_all(tmp_path: Path) -> None:
    source = functional(L.Dense(4, name="one"), L.Dense(4, name="two"))
    target = functional(L.Dense(4, name="two"), L.Dense(4, name="three"))
    for options in ({}, {"by_name": True}):
        said, real = run(source, target, tmp_path / "x.h5", options, same_names=False)
        assert_agrees(said, real)


def test_a_whole_model_is_loaded_as_its_weights_are(tmp_path: Path) -> None:
    source, target = dense(4, 3), dense(4, 3)
    fill(source.weights, STORED)
    fill(target.weights, OWN)
    source.save(tmp_path / "x.h5")
    checkpoint = open_checkpoint(str(tmp_path / "x.h5"))
    stored = {key: np.array(checkpoint.read(key)) for key in checkpoint.inventory.entries}
    said = load_weights(graph_of(target), checkpoint.inventory)
    variables = {weight.path: weight for weight in target.weights}
    assert_agrees(said, observe(variables, stored, lambda: target.load_weights(tmp_path / "x.h5")))


def test_names_too_long_for_one_attribute_are_read_in_their_order(tmp_path: Path) -> None:
    names = [f"{'layer' * 60}_{number:03}" for number in range(240)]
    source = functional(*[L.Dense(1, use_bias=False, name=name) for name in names], size=1)
    target = functional(*[L.Dense(1, use_bias=False) for _ in names], size=1)
    said, real = run(source, target, tmp_path / "x.h5", {}, same_names=False)
    with h5py.File(tmp_path / "x.h5") as file:
        assert "layer_names1" in file.attrs
    assert_agrees(said, real)
