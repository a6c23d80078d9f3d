"""The layers of a legacy HDF5 file: which there are, which weights each has, and in which order.

Keras loads such a file by order, so it is never guessed: it is the model's, else that of the file that is converted.

Source: Keras 3.15, keras/src/legacy/saving/legacy_h5_format.py, `save_weights_to_hdf5_group`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ckptdoctor.conversion.plan import Derived, Plan, concat, derive
from ckptdoctor.conversion.weights_only import notes_on_dropped
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.keras_config import read_keras_model
from ckptdoctor.ops import Drop
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import TOP_LEVEL_WEIGHTS, Inventory, StoredGroup
from ckptdoctor.specs.keras_model import KerasModel

_GIVE_A_MODEL = "Name the model that is to load it: --graph model.py; or write .weights.h5"


def for_layers(
    plan: Plan, source: Inventory, graph: GraphSpec | None, output: str
) -> tuple[Plan, tuple[StoredGroup, ...]]:
    """The plan with what is in no layer dropped at its end, and the layers that are left.

    Keras compares the number of a layer's weights before it loads any of them, so a layer of which one is absent is left
    out whole.

    Args:
        plan: what to do before; with a graph it ends with the graph's names.
        source: the source.
        graph: of a Keras model, if there is one.
        output: the format that is written, for people.

    Raises:
        UsageError: the layers are not known, or nothing is left of them.
    """
    derived = derive(plan, source)
    groups = _of_graph(graph, output) if graph else _of_source(source, derived, output)
    whole = tuple(group for group in groups if all(key in derived for key in group.keys))
    kept = {key for group in whole for key in group.keys}
    if not kept:
        raise UsageError(
            f"{source.source} holds no layer of the model whole, under names that could be matched",
            hint="See: ckptdoctor diff GRAPH CHECKPOINT",
        )
    notes = []
    in_part = dict[str, int]()
    for group in groups:
        if group not in whole and (held := sum(key in derived for key in group.keys)):
            in_part[group.name] = held
            notes.append(
                f"{group.name}: the source has {held} of its {len(group.keys)} weights, and Keras loads a layer from "
                f"{output} whole or not at all, so they are left out."
            )
    dropped = [key for key in derived if key not in kept]
    told = {key for group in groups if group.name in in_part for key in group.keys}
    rest = [key for key in dropped if key not in told]
    notes += notes_on_dropped(rest, source, f"Keras's load_weights takes none from {output}")
    return concat(source.source, [plan, Plan(source.source, tuple(map(Drop, dropped)), tuple(notes))]), whole


def _of_graph(graph: GraphSpec, output: str) -> tuple[StoredGroup, ...]:
    """The layers as the model has them: nested models are one layer, with all their weights."""
    model = graph.keras
    if model is None:
        raise UsageError(
            f"{output} is loaded by the order of a model's layers, and {graph.source} does not tell it",
            hint=_GIVE_A_MODEL,
        )
    if model.top_level is None:
        raise UsageError(
            f"{graph.source} has weights of its own, outside its layers, and Keras cannot load those from {output}",
            hint="Write .weights.h5",
        )
    groups = [StoredGroup(layer.name, layer.name, _keys(model, layer.weights)) for layer in model.layers]
    top_level = model.top_level if model.generation > 2 else model.top_level_by_name
    return (*_unique(groups), StoredGroup(TOP_LEVEL_WEIGHTS, TOP_LEVEL_WEIGHTS, _keys(model, top_level)))


def _of_source(source: Inventory, derived: Mapping[str, Derived], output: str) -> tuple[StoredGroup, ...]:
    """The layers as the file has them that is converted, with the keys that a plan gives their weights."""
    recorded = [group for group in source.groups if group.path.rpartition("/")[2] != "vars"] or _of_config(source)
    if not recorded:
        raise UsageError(
            f"{output} is loaded by the order of a model's layers, and {source.source} does not record it",
            hint=_GIVE_A_MODEL,
        )
    made: dict[str, list[str]] = {}
    for key, tensor in derived.items():
        made.setdefault(_first_source(tensor), []).append(key)
    return tuple(
        replace(group, path=group.name, keys=tuple(key for old in group.keys for key in made.get(old, ())))
        for group in recorded
    )


def _of_config(source: Inventory) -> list[StoredGroup]:
    """The layers of the model that a `.keras` file describes, with its own keys; none where they are not known."""
    graph = read_keras_model(source) if source.config else None
    if graph is None or graph.keras is None or graph.keras.top_level is None:
        return []
    stored = {variable.key: variable.stored for variable in graph.variables}
    return [
        StoredGroup(layer.name, layer.name, tuple(stored.get(key, key) for key in _keys(graph.keras, layer.weights)))
        for layer in graph.keras.layers
    ]


def _keys(model: KerasModel, numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(model.variables[number].key for number in numbers)


def _unique(groups: Iterable[StoredGroup]) -> list[StoredGroup]:
    """The groups under names that differ, as those of a file must; by order, names mean nothing."""
    used: set[str] = {TOP_LEVEL_WEIGHTS}
    renamed = []
    for group in groups:
        path, number = group.path, 0
        while path in used:
            number += 1
            path = f"{group.path}_{number}"
        used.add(path)
        renamed.append(replace(group, path=path))
    return renamed


def _first_source(tensor: Derived) -> str:
    """The key of the source that a tensor is, or the first that it is made of; empty where it is made of none."""
    while tensor.op is not None and tensor.parents:
        tensor = tensor.parents[0]
    return tensor.source
