"""slim's `assign_from_checkpoint_fn` and TensorFlow's `init_from_checkpoint`, variable by variable."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.loaders.init_from_checkpoint import initialize
from ckptdoctor.loaders.slim_assign import assign_from_checkpoint
from tests.loaders.test_tf1_saver import SITUATIONS, Shapes, assert_agrees, graph_of, held, write

tf = pytest.importorskip("tensorflow")
slim = pytest.importorskip("tf_slim")
v1 = tf.compat.v1


def variables(shapes: Shapes, resource: bool) -> dict[str, Any]:
    return {
        key: v1.get_variable(key, shape, getattr(tf, dtype), v1.constant_initializer(-1), use_resource=resource)
        for key, (shape, dtype) in shapes.items()
    }


def values(session: Any, made: Mapping[str, Any], resource: bool) -> dict[str, str]:
    return {key: held(session.run(item.value() if resource else item)) for key, item in made.items()}


@pytest.mark.parametrize("ignore", [False, True], ids=["strict", "ignore_missing_vars"])
@pytest.mark.parametrize("reshape", [False, True], ids=["shapes as they are", "reshape_variables"])
@pytest.mark.parametrize("situation", [*SITUATIONS, "nothing there"])
def test_slim_assigns_as_is_said(situation: str, reshape: bool, ignore: bool, tmp_path: Path) -> None:
    path = write(tmp_path, 2)
    shapes: Shapes = {**SITUATIONS, "nothing there": {"p": ((2,), "float32")}}[situation]
    said = assign_from_checkpoint(graph_of(shapes, False), open_checkpoint(path).inventory, None, ignore, reshape)
    with tf.Graph().as_default(), v1.Session() as session:
        made = variables(shapes, False)
        session.run(v1.global_variables_initializer())
        error = ""
        assign = slim.assign_from_checkpoint_fn(path, list(made.values()), ignore, reshape)
        try:
            if assign is not None:
                assign(session)
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        assert_agrees(said, values(session, made, False), error)
    assert said is not None
    missing = [key for key in shapes if key in ("extra", "zeta", "beta", "p")]
    assert len(said.warnings) == (len(missing) + (situation == "nothing there") if ignore else 0)


MAPS: dict[str, tuple[Shapes, dict[str, str]]] = {
    "a name": ({"mine": ((3,), "float32"), "other": ((2,), "float32")}, {"conv/bias": "mine"}),
    "a name that is not stored": ({"mine": ((3,), "float32")}, {"conv/gamma": "mine"}),
    "another shape": ({"mine": ((4,), "float32")}, {"conv/bias": "mine"}),
    "a scope": (
        {"net/kernel": ((2, 3), "float32"), "net/bias": ((3,), "float32"), "w": ((1,), "float32")},
        {"conv/": "net/"},
    ),
    "two scopes": (
        {"net/kernel": ((2, 3), "float32"), "head/bias": ((4,), "float32")},
        {"conv/": "net/", "dense/": "head/"},
    ),
    "a scope with a variable that is not stored": ({"net/gamma": ((3,), "float32")}, {"conv/": "net/"}),
    "a scope and another shape": ({"net/bias": ((4,), "float32")}, {"conv/": "net/"}),
    "everything into a scope": ({"net/conv/bias": ((3,), "float32"), "w": ((1,), "float32")}, {"/": "net/"}),
    "everything": ({"conv/bias": ((3,), "float32"), "dense/bias": ((4,), "float32")}, {"/": "/"}),
    "a scope for a name": ({"net/bias": ((3,), "float32")}, {"conv/bias": "net/"}),
}


@pytest.mark.parametrize("resource", [False, True], ids=["reference variables", "resource variables"])
@pytest.mark.parametrize("situation", MAPS)
def test_initialising_from_a_checkpoint_does_what_is_said(situation: str, resource: bool, tmp_path: Path) -> None:
    path = write(tmp_path, 2)
    shapes, names = MAPS[situation]
    said = initialize(graph_of(shapes, resource), open_checkpoint(path).inventory, names)
    assert said is not None
    with tf.Graph().as_default(), v1.Session() as session:
        made = variables(shapes, resource)
        session.run(v1.global_variables_initializer())
        error = ""
        try:
            v1.train.init_from_checkpoint(path, names)
            session.run(v1.global_variables_initializer())
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem}"
        real = values(session, made, resource)
    told = {**said.given, **dict.fromkeys(said.kept, "kept")}
    assert told.items() <= real.items()
    assert error.startswith(said.error) if said.error else not error
    assert all(cause in error for cause in said.causes)
