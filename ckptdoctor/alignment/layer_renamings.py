"""Renamings and ambiguities of whole layers, with the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ckptdoctor.alignment.labelled import GraphLayer, Labelled, LayerPair, StoredLayer, Value
from ckptdoctor.alignment.layers import Item, Layer
from ckptdoctor.alignment.renaming import Ambiguity, Kind, Renaming

SHOWN = 3
"""How many examples a sentence gives."""


def rename_layers(kind: Kind, layers: Sequence[LayerPair], certain: bool, how: str) -> Renaming:
    """The variables of pairs of layers, role by role."""
    pairs = [(a.roles[role].value, b.roles[role].value) for a, b in layers for role in a.roles if role in b.roles]
    examples = "; ".join(f"{_shown(a)} is {_shown(b)}" for a, b in layers[:SHOWN])
    count = f"{len(layers)} layer{'s' if len(layers) > 1 else ''}"
    first, other = layers[0]
    return Renaming(kind, first.name.scope, other.name.scope, tuple(pairs), certain, f"{how}: {count}, {examples}.")


def same_shapes(kind: Kind, layers: Sequence[GraphLayer], others: Sequence[StoredLayer]) -> Ambiguity:
    """Layers that nothing but their shapes could join, of which several have the same."""
    evidence = f"{len(layers)} layers of the graph and {len(others)} of the checkpoint have the same shapes."
    return Ambiguity(kind, values_of(layers), values_of(others), evidence)


def values_of(layers: Iterable[Layer[Labelled[Value]]]) -> tuple[Value, ...]:
    """The variables, or the entries, of layers."""
    return tuple(item.value for layer in layers for item in layer.roles.values())


def without(layers: Sequence[Layer[Item]], gone: Iterable[object]) -> list[Layer[Item]]:
    """The layers that are none of these."""
    ids = {id(layer) for layer in gone}
    return [layer for layer in layers if id(layer) not in ids]


def _shown(layer: Layer[Item]) -> str:
    """A layer's scope, or its one variable where it stands for itself."""
    return next(iter(layer.roles.values())).key if len(layer.roles) == 1 and "" in layer.roles else layer.name.scope
