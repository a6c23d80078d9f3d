"""The order of matchers, and what each of them is given to read."""

from __future__ import annotations

import importlib
import pkgutil

from ckptdoctor.alignment import matchers
from ckptdoctor.alignment.alignment import align
from ckptdoctor.alignment.matchers import BY_KEY, BY_NAME
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Shape, TensorSpec

FLOAT = dtype_from_name("float32")


def stored_under(names: dict[str, tuple[str, Shape]], graph: dict[str, Shape]) -> dict[str, str]:
    """The pairs of a graph with a checkpoint whose keys have these recorded names and shapes."""
    variables = tuple(Variable(key, key, TensorSpec(FLOAT, shape)) for key, shape in graph.items())
    entries = {key: Entry(key, TensorSpec(FLOAT, shape), name=name) for key, (name, shape) in names.items()}
    inventory = Inventory("m", "V2", Family.TENSORFLOW, (), dict(sorted(entries.items())))
    alignment = align(GraphSpec("g.py", GraphKind.TENSORFLOW_1, variables), inventory)
    return {pair.variable.key: pair.entry.key for pair in alignment.pairs}


def test_every_matcher_is_listed_once() -> None:
    modules = [
        importlib.import_module(f"{matchers.__name__}.{item.name}") for item in pkgutil.iter_modules(matchers.__path__)
    ]
    assert sorted(matcher.__module__ for matcher in (*BY_KEY, *BY_NAME)) == sorted(item.__name__ for item in modules)


def test_a_recorded_name_is_read_under_another_scope_too() -> None:
    names = {"0": ("net/a/w", (2, 3)), "1": ("net/b/w", (3, 4)), "2": ("net/c/w", (4, 5))}
    graph: dict[str, Shape] = {"model/a/w": (2, 3), "model/b/w": (3, 4), "model/c/w": (4, 5)}
    assert stored_under(names, graph) == {"model/a/w": "0", "model/b/w": "1", "model/c/w": "2"}


def test_a_name_that_is_recorded_twice_is_no_name() -> None:
    names = {"x/0": ("net/a/w", (2, 3)), "y/0": ("net/a/w", (2, 3)), "z/0": ("net/b/w", (3, 4))}
    graph: dict[str, Shape] = {"net/a/w": (2, 3), "net/b/w": (3, 4)}
    assert stored_under(names, graph) == {"net/b/w": "z/0"}


def test_a_key_counts_for_more_than_a_name_recorded_beside_another() -> None:
    names = {"a/w": ("b/w", (2, 3)), "b/w": ("a/w", (2, 3))}
    assert stored_under(names, {"a/w": (2, 3), "b/w": (2, 3)}) == {"a/w": "a/w", "b/w": "b/w"}
