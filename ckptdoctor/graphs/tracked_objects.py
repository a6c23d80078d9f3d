"""The objects of a program, as `ckptdoctor.graph_worker.objects` numbers them, as an object graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ckptdoctor.specs.objects import OBJECT_VALUE, VALUE, Attribute, ObjectGraph, TrackedObject


def object_graph(children: Sequence[Sequence[Sequence[Any]]], names: Mapping[int, str]) -> ObjectGraph:
    """The objects, with the values that a `tf.train.Checkpoint` would save them under.

    Args:
        children: for each object, the (name, number) of those that it refers to.
        names: the number of an object that is a variable → the variable's name.
    """
    bare = ObjectGraph(tuple(TrackedObject(tuple((name, child) for name, child in links)) for links in children))
    paths = bare.paths()
    return ObjectGraph(
        tuple(
            replace(item, attributes=(Attribute(VALUE, names[number], paths[number] + OBJECT_VALUE),))
            if number in names and number in paths
            else item
            for number, item in enumerate(bare.objects)
        )
    )
