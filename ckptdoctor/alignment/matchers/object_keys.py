"""Keys that are paths in the program's own object graph, of a checkpoint that has no object graph.

A script that edited or averaged a TensorFlow 2 checkpoint keeps its keys and loses its object graph.
Source: TensorFlow, tensorflow/python/trackable/trackable_utils.py, `object_path_to_string`.
"""

from __future__ import annotations

from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY
from ckptdoctor.specs.objects import OBJECT_VALUE, ROOT, ObjectGraph


def match(state: Unmatched) -> Matches:
    """The variables to which the keys lead, and that have another key; a variable to which several lead is left out."""
    graph = state.graph.objects
    if graph is None or OBJECT_GRAPH_KEY in state.inventory.entries:
        return Matches()
    variables = {item.value.node: item.value for item in state.missing if item.value.node >= 0}
    stored: dict[int, list[str]] = {}
    entries = {item.value.key: item.value for item in state.unexpected if item.value.key.endswith(OBJECT_VALUE)}
    for key in entries:
        node = _node(graph, key.removesuffix(OBJECT_VALUE))
        if node in variables:
            stored.setdefault(node, []).append(key)
    pairs = tuple(
        (variables[node], entries[keys[0]])
        for node, keys in sorted(stored.items())
        if len(keys) == 1 and keys[0] != variables[node].key
    )
    if not pairs:
        return Matches()
    evidence = f"{len(pairs)} keys are paths that lead to the program's own objects."
    return Matches(renamings=[Renaming("objects", "", "", pairs, True, evidence)])


def _node(graph: ObjectGraph, path: str) -> int:
    """The object that a path leads to from the root; -1 where it leads nowhere."""
    node: int | None = ROOT
    for part in path.split("/"):
        node = graph.child(node, part.replace(".S", "/").replace("..", ".")) if node is not None else None
    return -1 if node is None else node
