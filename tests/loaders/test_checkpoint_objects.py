"""TensorFlow's own `tf.train.Checkpoint.restore`, variable by variable, against what is said that it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graph_worker.objects import Objects
from ckptdoctor.graphs.tracked_objects import object_graph
from ckptdoctor.loaders.checkpoint_objects import Assertion, restore
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec
from tests.loaders.keras_models import Held, L, Pair, called, compiled, dense, functional, keras
from tests.loaders.observed import OWN, STORED, distinct

tf = pytest.importorskip("tensorflow")


def module(shapes: dict[str, Any], dtype: str = "float32") -> Any:
    """Variables and modules of variables, under attributes."""
    made = tf.Module()
    for name, shape in shapes.items():
        is_module = isinstance(shape, dict)
        setattr(
            made, name, module(shape, dtype) if is_module else tf.Variable(tf.zeros(shape, dtype), name=f"v_{name}")
        )
    return made


def aliased(first: str, second: str, one: bool) -> Any:
    """Two attributes that lead to one variable, or to two."""
    made = module({first: (3,)})
    setattr(made, second, getattr(made, first) if one else tf.Variable(tf.zeros((3,)), name="other"))
    return made


def looped() -> Any:
    """Objects that lead round in a circle."""
    made = module({"a": (3,), "inner": {"b": (2,)}})
    made.inner.outer = made
    return made


def listed(*sizes: int) -> Any:
    made = tf.Module()
    made.items = [tf.Variable(tf.zeros((size,))) for size in sizes]
    made.named = {"x": tf.Variable(tf.zeros((2,)))}
    return made


def trained(model: Any) -> Any:
    return compiled(model, built=True)


FLAT = {"a": (2,), "b": (3,), "c": (4,)}

SITUATIONS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "the same": (lambda: module(FLAT), lambda: module(FLAT)),
    "nested": (lambda: module({"x": FLAT, "y": FLAT}), lambda: module({"y": FLAT, "x": FLAT})),
    "renamed": (lambda: module({"x": FLAT}), lambda: module({"z": FLAT})),
    "one more": (lambda: module(FLAT), lambda: module({**FLAT, "d": (2,)})),
    "one fewer": (lambda: module(FLAT), lambda: module({"a": (2,), "b": (3,)})),
    "another shape": (lambda: module(FLAT), lambda: module({**FLAT, "b": (2,)})),
    "another shape at the end, made first": (lambda: module(FLAT), lambda: module({"c": (5,), "b": (3,), "a": (2,)})),
    "two other shapes": (lambda: module(FLAT), lambda: module({**FLAT, "b": (2,), "c": (1,)})),
    "another type": (lambda: module(FLAT), lambda: module(FLAT, "float64")),
    "another type and shape": (lambda: module(FLAT), lambda: module({**FLAT, "a": (9,)}, "int32")),
    "nothing in common": (lambda: module(FLAT), lambda: module({"p": (2,)})),
    "one variable for two": (lambda: aliased("a", "b", False), lambda: aliased("a", "b", True)),
    "two variables for one": (lambda: aliased("a", "b", True), lambda: aliased("a", "b", False)),
    "a circle": (looped, looped),
    "lists and dictionaries": (lambda: listed(2, 3), lambda: listed(2, 3)),
    "a longer list": (lambda: listed(2, 3), lambda: listed(2, 3, 4)),
    "a list moved by one": (lambda: listed(2, 3, 4), lambda: listed(3, 4)),
    "Keras": (lambda: dense(4, 4), lambda: dense(4, 4)),
    "Keras, more than ten layers": (lambda: dense(*[4] * 12), lambda: dense(*[4] * 11, 5)),
    "Keras, another head": (lambda: dense(4, 3), lambda: dense(4, 5)),
    "Keras, one layer more": (lambda: dense(4, 4), lambda: dense(4, 4, 4)),
    "Keras, one layer fewer": (lambda: dense(4, 4, 4), lambda: dense(4, 4)),
    "Keras, no bias": (lambda: dense(4, 4), lambda: dense(4, 4, use_bias=False)),
    "Keras, half precision": (lambda: dense(4), lambda: dense(4, dtype="float16")),
    "Keras, subclassed": (lambda: called(Pair("a", "b")), lambda: called(Pair("a", "c"))),
    "Keras, containers": (lambda: called(Held()), lambda: called(Held(units=3))),
    "Keras, dropout": (
        lambda: functional(L.Dense(4), L.Dropout(0.5), L.Dense(4)),
        lambda: functional(L.Dense(4), L.Dense(4), L.Dense(4)),
    ),
    "Keras, trained into plain": (lambda: trained(dense(4)), lambda: dense(4)),
    "Keras, plain into trained": (lambda: dense(4), lambda: trained(dense(4))),
    "Keras, trained into trained": (lambda: trained(dense(4)), lambda: trained(dense(4))),
}


def graph_of(root: Any, item: Any) -> tuple[GraphSpec, dict[str, Any]]:
    """The objects below a checkpoint, and its variables by key; those of an optimizer are not listed."""
    objects = Objects(tf, root)
    listed_ids = {id(weight) for weight in item.weights} if isinstance(item, keras.Model) else None
    found = {
        number: variable
        for number, variable in enumerate(objects.items)
        if isinstance(variable, tf.Variable | keras.Variable)
    }
    own = {number: item for number, item in found.items() if listed_ids is None or id(item) in listed_ids}
    variables = tuple(
        Variable(
            name_of(item),
            objects.key(number),
            TensorSpec(dtype_from_name(type_of(item)), tuple(item.shape)),
            node=number,
        )
        for number, item in own.items()
    )
    graph = object_graph(objects.children, {variable.node: variable.name for variable in variables})
    kind = GraphKind.KERAS_MODEL if listed_ids is not None else GraphKind.OBJECTS
    unlisted = tuple(number for number in found if number not in own)
    spec = GraphSpec("p.py", kind, variables, objects=graph, wrapped=True, unlisted=unlisted)
    return spec, {variable.key: own[variable.node] for variable in variables}


def name_of(variable: Any) -> str:
    return str(getattr(variable, "path", None) or variable.name.partition(":")[0])


def type_of(variable: Any) -> str:
    return variable.dtype if isinstance(variable.dtype, str) else str(variable.dtype.name)


def fill(variables: dict[str, Any], sign: int) -> None:
    for number, variable in enumerate(variables.values()):
        variable.assign(distinct(number, tuple(variable.shape), np.array(variable).dtype, sign))


def run(
    path: Path, source: Any, target: Any, assertion: Assertion, counted: bool = True
) -> tuple[Load | None, dict[str, str], str]:
    root = tf.train.Checkpoint(model=source)
    fill(graph_of(root, source)[1], STORED)
    prefix = root.save(str(path / "ckpt")) if counted else root.write(str(path / "ckpt"))
    return load(prefix, target, assertion)


def load(prefix: str, target: Any, assertion: Assertion) -> tuple[Load | None, dict[str, str], str]:
    checkpoint = open_checkpoint(prefix)
    stored = {key: np.array(checkpoint.read(key)) for key in checkpoint.inventory.variables}
    root = tf.train.Checkpoint(model=target)
    graph, variables = graph_of(root, target)
    fill(variables, OWN)
    before = {key: np.array(variable) for key, variable in variables.items()}
    said = restore(graph, checkpoint.inventory, assertion)
    error = ""
    try:
        status = root.restore(prefix)
        if assertion.value:
            getattr(status, assertion.value.removesuffix("()"))()
    except Exception as problem:
        error = f"{type(problem).__name__}: {re.sub(r'{{.*?}} ', '', str(problem))}"
    held = {key: what(np.array(item), before[key], stored) for key, item in variables.items()}
    return said, held, error


def what(now: Any, before: Any, stored: dict[str, Any]) -> str:
    if np.array_equal(now, before):
        return "kept"
    found = [key for key, value in stored.items() if value.shape == now.shape and np.array_equal(value, now)]
    assert len(found) == 1, found
    return found[0]


def assert_agrees(said: Load | None, held: dict[str, str], error: str) -> None:
    assert said is not None
    assert {**said.given, **dict.fromkeys(said.kept, "kept")} == held
    assert bool(said.error) == bool(error), error
    assert error.startswith(said.error), (error[:400], said.error)


@pytest.mark.parametrize("assertion", Assertion, ids=[item.value or "nothing asked" for item in Assertion])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_restore_does_what_is_said(situation: str, assertion: Assertion, tmp_path: Path) -> None:
    source, target = SITUATIONS[situation]
    assert_agrees(*run(tmp_path, source(), target(), assertion))


@pytest.mark.parametrize("assertion", [Assertion.CONSUMED, Assertion.EXISTING_OBJECTS_MATCHED, Assertion.NOTHING])
def test_what_was_written_without_a_count_lacks_it(assertion: Assertion, tmp_path: Path) -> None:
    assert_agrees(*run(tmp_path, module(FLAT), module(FLAT), assertion, counted=False))


@pytest.mark.parametrize("assertion", Assertion, ids=[item.value or "nothing asked" for item in Assertion])
@pytest.mark.parametrize(
    "target",
    [
        lambda: module(FLAT),
        lambda: module({"a": (2,), "b": (3,)}),
        lambda: module({"a": (3,), "b": (3,)}),
        lambda: module({"b": (3,), "a": (3,)}),
        lambda: module({"a": (2,)}, "int32"),
        lambda: module({"x": {"a": (2,)}, "q": (2,)}),
    ],
    ids=["one is missing", "all are there", "another shape", "another shape, made later", "another type", "nested"],
)
def test_without_an_object_graph_names_decide(target: Callable[[], Any], assertion: Assertion, tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("v_a", initializer=tf.constant([11.0, 12.0]))
        v1.get_variable("v_b", initializer=tf.constant([21.0, 22.0, 23.0]))
        session.run(v1.global_variables_initializer())
        prefix = v1.train.Saver().save(session, str(tmp_path / "names"), write_meta_graph=False)
    assert_agrees(*load(prefix, target(), assertion))


def test_values_that_the_object_graph_promises_and_the_file_lacks_are_not_found(tmp_path: Path) -> None:
    root = tf.train.Checkpoint(model=module(FLAT))
    prefix = root.save(str(tmp_path / "ckpt"))
    checkpoint = open_checkpoint(prefix)
    from dataclasses import replace

    entries = {key: entry for key, entry in checkpoint.inventory.entries.items() if "/b/" not in key}
    graph, _ = graph_of(tf.train.Checkpoint(model=module(FLAT)), None)
    said = restore(graph, replace(checkpoint.inventory, entries=entries))
    assert said is not None
    assert said.error.startswith("NotFoundError: ")
    assert not said.given
