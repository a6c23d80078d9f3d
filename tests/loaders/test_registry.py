"""Which loader a file and a graph go to, against what Keras does with the same names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.python_graph import trace_python
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.loaders.registry import LoadOptions, default_load, loaders_for
from tests.conftest import SHARED
from tests.loaders.keras_models import dense, graph_of
from tests.loaders.observed import OWN, STORED, assert_agrees, fill, observe

NAMES = {
    "weights under their own name": ("w.weights.h5", "w.weights.h5", {}),
    "weights named as a legacy file": ("w.weights.h5", "w.h5", {}),
    "weights under no name of Keras's": ("w.weights.h5", "w.bin", {}),
    "weights by name": ("w.weights.h5", "w.weights.h5", {"by_name": True}),
    "a legacy file under its own name": ("w.h5", "w.h5", {}),
    "a legacy file with the older ending": ("w.h5", "w.hdf5", {"by_name": True}),
    "a legacy file named as weights": ("w.h5", "w.weights.h5", {}),
}


@pytest.mark.parametrize("situation", NAMES)
def test_the_files_name_decides_what_keras_does(situation: str, tmp_path: Path) -> None:
    written, named, options = NAMES[situation]
    source, target = dense(4, 4), dense(4, 4)
    fill(source.weights, STORED)
    fill(target.weights, OWN)
    getattr(source, "save" if written == "w.h5" else "save_weights")(tmp_path / written)
    path = tmp_path / named
    if not path.exists():
        shutil.move(tmp_path / written, path)
    checkpoint = open_checkpoint(str(path))
    stored = {key: np.array(checkpoint.read(key)) for key in checkpoint.inventory.entries}
    said = default_load(graph_of(target), checkpoint.inventory, LoadOptions(**options))
    variables = {weight.path: weight for weight in target.weights}
    real = observe(variables, stored, lambda: target.load_weights(path, **options))
    assert said is not None
    if said.error.startswith("ValueError: File format"):
        assert real.error.startswith(said.error)
        assert set(real.held.values()) == {"kept"}
    else:
        assert_agrees(said, real)


SITUATIONS: dict[str, tuple[str, str, str, int, str]] = {
    "layers in another order of equal shapes": ("sib-h5-order-swapped", "two.py:new", "m.h5", 6, ""),
    "automatic names that differ": ("sib-h5-by-order", "small.py", "m.h5", 8, ""),
    "a layer reached by a later path": ("keras-18823-never-built", "combined.py", "model.weights.h5", 32, ""),
    "numbers shifted": ("effnetv2-2-names-shifted", "backbone.py", "m.weights.h5", 45, ""),
    "keys without an object graph": ("sib-no-object-graph", "translator.py:build", "edited", 0, ""),
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_situation_of_a_users_is_told_as_it_is(situation: str) -> None:
    folder, graph, file, given, error = SITUATIONS[situation]
    place = SHARED / "situations" / folder
    if not place.is_dir():
        pytest.skip(f"no situations at {place}; set CKPTDOCTOR_SHARED to their parent's directory")
    target, _, name = graph.partition(":")
    spec = trace_python(GraphRequest(str(place / target), name, cache=False))
    inventory: Any = open_checkpoint(str(place / "out" / file)).inventory
    assert loaders_for(spec, inventory)
    said = default_load(spec, inventory)
    assert said is not None
    assert said.error == error
    assert len(said.given) == given
    assert len(said.given) + len(said.kept) == len(spec.variables)
