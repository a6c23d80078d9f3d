"""Keras 3's own `load_weights`, variable by variable, against what is said that it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.loaders.keras3_weights import load_weights
from ckptdoctor.loaders.load import Load
from tests.loaders.keras_models import SITUATIONS, L, Odd, Pair, Scaled, dense, functional, graph_of
from tests.loaders.observed import OWN, STORED, Observed, assert_agrees, fill, observe


def run(source: Any, target: Any, path: Path, **options: Any) -> tuple[Load | None, Observed]:
    """Stores one model's weights, loads them into another, and says what is expected of that."""
    fill(source.weights, STORED)
    fill(target.weights, OWN)
    if path.suffix == ".keras":
        source.save(path)
    elif path.suffix == ".json":
        source.save_weights(path, max_shard_size=1)
    else:
        source.save_weights(path)
    checkpoint = open_checkpoint(str(path))
    stored = {key: np.array(checkpoint.read(key)) for key in checkpoint.inventory.entries}
    said = load_weights(graph_of(target), checkpoint.inventory, **options)
    variables = {weight.path: weight for weight in target.weights}
    return said, observe(variables, stored, lambda: target.load_weights(path, **options))


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("skip_mismatch", [False, True], ids=["strict", "skip_mismatch"])
def test_load_weights_does_what_is_said(situation: str, skip_mismatch: bool, tmp_path: Path) -> None:
    source, target = SITUATIONS[situation]
    said, real = run(source(), target(), tmp_path / "x.weights.h5", skip_mismatch=skip_mismatch)
    assert_agrees(said, real)


@pytest.mark.parametrize(
    "situation",
    [
        "another head",
        "lists and dictionaries of layers",
        "one row more in a list of lists",
        "functional models within each other",
        "an optimizer that was not built",
        "dropout, whose seed has no place in a file",
    ],
)
@pytest.mark.parametrize("name", ["x.weights.json", "x.keras"])
def test_sharded_weights_and_whole_models_load_alike(situation: str, name: str, tmp_path: Path) -> None:
    source, target = SITUATIONS[situation]
    said, real = run(source(), target(), tmp_path / name)
    assert_agrees(said, real)


def test_a_model_that_is_not_built_is_refused_before_anything(tmp_path: Path) -> None:
    source, target = dense(4), Pair()
    source.save_weights(tmp_path / "x.weights.h5")
    said = load_weights(graph_of(target), open_checkpoint(str(tmp_path / "x.weights.h5")).inventory)
    assert said is not None
    with pytest.raises(ValueError, match="not yet been built") as caught:
        target.load_weights(tmp_path / "x.weights.h5")
    assert said.error.startswith("ValueError: ")
    assert str(caught.value).startswith(said.error.removeprefix("ValueError: "))


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (lambda: functional(Scaled(), L.Dense(4)), lambda: functional(Odd(name="scaled"), L.Dense(4))),
        (lambda: functional(Scaled()), lambda: functional(Scaled(("gain", "offset")))),
    ],
    ids=["values that are computed with", "names that the file has not"],
)
def test_nothing_is_said_of_a_layer_whose_loading_is_not_known(
    source: Callable[[], Any], target: Callable[[], Any], tmp_path: Path
) -> None:
    source().save_weights(tmp_path / "x.weights.h5")
    assert load_weights(graph_of(target()), open_checkpoint(str(tmp_path / "x.weights.h5")).inventory) is None


def test_what_no_path_asks_for_is_ignored(tmp_path: Path) -> None:
    said, _ = run(dense(4, 4, 4), dense(4, 4), tmp_path / "x.weights.h5")
    assert said is not None
    assert said.ignored == ("layers/dense_2/vars/0", "layers/dense_2/vars/1")
