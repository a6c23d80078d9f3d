"""TensorFlow 1's own `Saver.restore`, variable by variable, against what is said that it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.loaders.load import Load
from ckptdoctor.loaders.tf1_saver import restore
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec

tf = pytest.importorskip("tensorflow")
v1 = tf.compat.v1

Shapes = Mapping[str, tuple[tuple[int, ...], str]]

STORED: dict[str, np.ndarray[Any, Any]] = {
    "conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3) + 100,
    "conv/bias": np.arange(3, dtype=np.float32) + 200,
    "dense/kernel": np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3) + 300,
    "dense/bias": np.arange(4, dtype=np.float32) + 400,
    "step": np.array(7, np.int64),
}

SAME: Shapes = {key: (value.shape, value.dtype.name) for key, value in STORED.items()}

SITUATIONS: dict[str, Shapes] = {
    "the same": SAME,
    "a part of it": {"dense/bias": ((4,), "float32"), "step": ((), "int64")},
    "one missing": {**SAME, "extra": ((2,), "float32")},
    "two missing, and a wrong type": {
        **SAME,
        "zeta": ((2,), "float32"),
        "beta": ((2,), "float32"),
        "conv/bias": ((3,), "int32"),
    },
    "a wrong type before one that is missing": {"conv/bias": ((3,), "int32"), "zeta": ((2,), "float32")},
    "two wrong types": {**SAME, "step": ((), "int32"), "conv/bias": ((3,), "float64")},
    "a wrong type and a wrong shape": {**SAME, "step": ((), "int32"), "conv/bias": ((4,), "float32")},
    "a wrong shape": {**SAME, "dense/bias": ((5,), "float32")},
    "ones to be squeezed": {**SAME, "dense/kernel": ((2, 3), "float32")},
    "transposed": {**SAME, "conv/kernel": ((3, 2), "float32")},
    "two wrong shapes": {**SAME, "dense/bias": ((5,), "float32"), "conv/bias": ((5,), "float32")},
    "wrong shapes alone": {"dense/bias": ((5,), "float32")},
}


def write(path: Path, version: int) -> str:
    with tf.Graph().as_default(), v1.Session() as session:
        variables = [v1.get_variable(key, initializer=tf.constant(value)) for key, value in STORED.items()]
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(variables, write_version=version)
        return str(saver.save(session, str(path / "model.ckpt"), write_meta_graph=False))


def graph_of(shapes: Shapes, resource: bool) -> GraphSpec:
    variables = tuple(
        Variable(key, key, TensorSpec(dtype_from_name(dtype), shape), resource=resource, collections=("variables",))
        for key, (shape, dtype) in shapes.items()
    )
    return GraphSpec("graph.py", GraphKind.TENSORFLOW_1, variables)


def really(
    path: str, shapes: Shapes, resource: bool, names: Mapping[str, str] | None = None, **options: Any
) -> tuple[dict[str, str], str]:
    """What each variable holds, and the error: its class, first line and what TensorFlow's C++ says."""
    with tf.Graph().as_default(), v1.Session() as session:
        made = {
            key: v1.get_variable(key, shape, getattr(tf, dtype), v1.constant_initializer(-1), use_resource=resource)
            for key, (shape, dtype) in shapes.items()
        }
        session.run(v1.global_variables_initializer())
        error = ""
        saver = v1.train.Saver(None if names is None else {key: made[name] for key, name in names.items()}, **options)
        try:
            saver.restore(session, path)
        except Exception as problem:
            error = f"{type(problem).__name__}: {str(problem).strip()}"
        return {key: held(session.run(item.value() if resource else item)) for key, item in made.items()}, error


def held(value: np.ndarray[Any, Any]) -> str:
    found = [
        key for key, stored in STORED.items() if stored.size == value.size and (stored.ravel() == value.ravel()).all()
    ]
    if (value == -1).all():
        found.append("kept")
    assert len(found) == 1, found
    return found[0]


def assert_agrees(said: Load | None, real: dict[str, str], error: str) -> None:
    assert said is not None
    told = {**said.given, **dict.fromkeys(said.kept, "kept")}
    assert told.items() <= real.items()
    if said.error:
        assert error.splitlines()[0] == said.error
        # Of several assignments that fail, one is named; of what cannot be read, everything is.
        raised = [cause in error for cause in said.causes]
        assert any(raised) if said.causes[0].startswith(("Assign", "Input to")) else all(raised), (said.causes, error)
    else:
        assert not error
        assert told.keys() == real.keys()


@pytest.mark.parametrize("resource", [False, True], ids=["reference variables", "resource variables"])
@pytest.mark.parametrize("version", [2, 1], ids=["V2", "V1"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_restore_does_what_is_said(situation: str, version: int, resource: bool, tmp_path: Path) -> None:
    path = write(tmp_path, version)
    shapes = SITUATIONS[situation]
    said = restore(graph_of(shapes, resource), open_checkpoint(path).inventory)
    assert_agrees(said, *really(path, shapes, resource))


@pytest.mark.parametrize("resource", [False, True], ids=["reference variables", "resource variables"])
@pytest.mark.parametrize("situation", ["the same", "ones to be squeezed", "transposed", "a wrong shape", "one missing"])
def test_reshape_takes_every_shape_of_as_many_values(situation: str, resource: bool, tmp_path: Path) -> None:
    path = write(tmp_path, 2)
    shapes = SITUATIONS[situation]
    said = restore(graph_of(shapes, resource), open_checkpoint(path).inventory, reshape=True)
    assert_agrees(said, *really(path, shapes, resource, reshape=True))


@pytest.mark.parametrize(
    "names",
    [
        {"conv/bias": "mine"},
        {"conv/bias": "mine", "dense/bias": "dense/bias"},
        {"mine": "mine"},
        {"conv/kernel": "mine"},
    ],
    ids=["one", "two", "a name that the file lacks", "another shape"],
)
def test_a_map_of_names_takes_only_what_it_names(names: dict[str, str], tmp_path: Path) -> None:
    path = write(tmp_path, 2)
    shapes: Shapes = {"mine": ((3,), "float32"), "dense/bias": ((4,), "float32"), "step": ((), "int64")}
    for resource in (False, True):
        said = restore(graph_of(shapes, resource), open_checkpoint(path).inventory, names)
        assert_agrees(said, *really(path, shapes, resource, names))


@pytest.mark.parametrize("rows", [2, 4], ids=["as stored", "of another size"])
@pytest.mark.parametrize("resource", [False, True], ids=["reference variables", "resource variables"])
def test_a_partitioned_variable_is_restored_by_its_whole_shape(rows: int, resource: bool, tmp_path: Path) -> None:
    path = write(tmp_path, 2)
    graph = graph_of({"conv/kernel": ((rows, 3), "float32")}, resource)
    graph = replace(graph, variables=(replace(graph.variables[0], partitioned=True),))
    said = restore(graph, open_checkpoint(path).inventory)
    assert said is not None
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("", partitioner=v1.fixed_size_partitioner(2), use_resource=resource):
            whole = v1.get_variable("conv/kernel", (rows, 3), initializer=v1.constant_initializer(-1))
        session.run(v1.global_variables_initializer())
        error = ""
        try:
            v1.train.Saver().restore(session, path)
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        real = {"conv/kernel": held(session.run(tf.convert_to_tensor(whole)))}
    assert_agrees(said, real, error)


@pytest.mark.parametrize("name", ["kernel", "weight"], ids=["the recorded name", "another name"])
def test_an_object_checkpoint_is_restored_by_the_names_that_it_records(name: str, tmp_path: Path) -> None:
    module = tf.Module()
    module.conv = tf.Module()
    module.conv.kernel = tf.Variable(STORED["conv/kernel"], name="kernel")
    module.conv.bias = tf.Variable(STORED["conv/bias"], name="bias")
    path = tf.train.Checkpoint(module=module).write(str(tmp_path / "objects"))
    shapes: Shapes = {name: ((2, 3), "float32"), "bias": ((3,), "float32")}
    keys = {
        "kernel": "module/conv/kernel/.ATTRIBUTES/VARIABLE_VALUE",
        "bias": "module/conv/bias/.ATTRIBUTES/VARIABLE_VALUE",
    }
    said = restore(graph_of(shapes, True), open_checkpoint(path).inventory)
    real, error = really(path, shapes, True)
    assert said is not None
    assert said.warnings
    if name == "weight":
        assert said.error == "NotFoundError: Existing variables not in the checkpoint: weight"
        assert said.error == error.splitlines()[0]
        assert set(real.values()) == {"kept"}
    else:
        assert said.given == keys
        assert real == {"kernel": "conv/kernel", "bias": "conv/bias"}
        assert not error
