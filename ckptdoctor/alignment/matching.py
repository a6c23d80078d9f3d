"""From names that differ to pairs: one way of reading names after another, each on what the ones before left over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from ckptdoctor.alignment.families import Correspondence, correspondences
from ckptdoctor.alignment.layers import Item, Layer, compatible, group_layers, natural, split_layers
from ckptdoctor.alignment.renaming import Ambiguity, Kind, Renaming
from ckptdoctor.alignment.scopes import match_scopes
from ckptdoctor.alignment.shapes import by_order, by_unique_shape, in_common, left_over, undecided
from ckptdoctor.alignment.translation import match_dialects
from ckptdoctor.libraries.dialects import LISTED_VARIABLE, OBJECT_LAYER
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.objects import OBJECT_VALUE

_SHOWN = 3
_SAME_ARCHITECTURE = 0.6
"""The share of layers whose shapes must occur on both sides before shapes alone join any."""

Layers = tuple[list[Layer[Variable]], list[Layer[Entry]]]
Found = tuple[list[Renaming], list[Ambiguity]]


def match_names(
    missing: Sequence[Variable], unexpected: Sequence[Entry], doubtful: set[str], *, by_structure: bool = False
) -> tuple[tuple[Renaming, ...], tuple[Ambiguity, ...]]:
    """Pairs variables with entries of other names.

    Args:
        missing: variables without an entry of their name.
        unexpected: entries without a variable of their name.
        doubtful: keys that are on both sides and do not mean the same variable.
        by_structure: whether layers belong together by their order, whatever their names: a Keras model and its file.
    """
    state = _Unmatched(missing, unexpected, doubtful)
    state.take(_renumbered(*state.layers(doubtful=True)))
    renamings, ambiguities = match_scopes(*state.plain())
    state.take((list(renamings), list(ambiguities)))
    state.take((list(match_dialects(*state.plain())), []))
    if by_structure:
        state.take(_by_structure(*state.layers(doubtful=False)))
    for step in (_by_object_order, _by_list, _by_numbers):
        state.take(step(*state.layers(doubtful=False)))
    # Where the names of the whole network differ, shapes alone say what is left; one other name may be meant.
    systematic = 2 * len(state.missing) <= len(missing)
    for shapes in (_by_shape, _left_over):
        state.take(shapes(*state.layers(doubtful=False), systematic))
    return tuple(map(state.with_training_state, state.renamings)), tuple(state.ambiguities)


class _Unmatched:
    """What is left to match, and what was found."""

    def __init__(self, missing: Sequence[Variable], unexpected: Sequence[Entry], doubtful: set[str]) -> None:
        self.missing, self.unexpected, self.doubtful = list(missing), list(unexpected), doubtful
        self.order = {variable.key: position for position, variable in enumerate(missing)}
        self.renamings: list[Renaming] = []
        self.ambiguities: list[Ambiguity] = []

    def take(self, found: Found) -> None:
        """Records what was found, and leaves its names out of what is still to be matched."""
        self.renamings += found[0]
        self.ambiguities += found[1]
        left = {variable.key for item in found[0] for variable, _ in item.pairs}
        right = {entry.key for item in found[0] for _, entry in item.pairs}
        left.update(variable.key for item in found[1] for variable in item.variables)
        right.update(entry.key for item in found[1] for entry in item.entries)
        self.missing = [variable for variable in self.missing if variable.key not in left]
        self.unexpected = [entry for entry in self.unexpected if entry.key not in right]

    def plain(self) -> tuple[list[Variable], list[Entry]]:
        """The names that are on one side only."""
        return (
            [variable for variable in self.missing if variable.key not in self.doubtful],
            [entry for entry in self.unexpected if entry.key not in self.doubtful],
        )

    def layers(self, *, doubtful: bool) -> Layers:
        """The layers of the network that are left: the graph's in its order, the checkpoint's in the order of numbers."""
        network = [item for item in self.missing if training_state(item.key) is None]
        stored = [item for item in self.unexpected if training_state(item.key) is None]
        return (
            group_layers(item for item in network if (item.key in self.doubtful) == doubtful),
            sorted(
                group_layers(item for item in stored if (item.key in self.doubtful) == doubtful),
                key=lambda layer: natural(layer.name.scope),
            ),
        )

    def with_training_state(self, renaming: Renaming) -> Renaming:
        """The renaming, for the slots and averages of its variables too."""
        owners = {variable.key: entry.key for variable, entry in renaming.pairs}
        stored: dict[tuple[str, str], list[Entry]] = {}
        entries = set(owners.values())
        for entry in self.unexpected:
            owner, slot = _owner(entry.key, entries)
            if owner:
                stored.setdefault((owner, slot), []).append(entry)
        more = []
        for variable in self.missing:
            owner, slot = _owner(variable.key, owners.keys())
            found = stored.get((owners[owner], slot), []) if owner else []
            if len(found) == 1:
                more.append((variable, found[0]))
        pairs = (*renaming.pairs, *more)
        return replace(renaming, pairs=tuple(sorted(pairs, key=lambda pair: self.order[pair[0].key])))


def _owner(key: str, owners: Set[str]) -> tuple[str, str]:
    """The variable that a slot or average belongs to, and the slot's own name; empty if it belongs to none of these.

    An optimizer that was built within a scope puts that scope in front of the variable's name.
    Source: TensorFlow, tensorflow/python/training/slot_creator.py, `create_slot`.
    """
    state = training_state(key)
    owner = state.owner if state else ""
    slot = key.removeprefix(owner.removesuffix(OBJECT_VALUE))
    while owner and owner not in owners:
        owner = owner.partition("/")[2]
    return owner, slot


def _renumbered(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]]) -> Found:
    """Layers whose automatic numbers were given anew: a shift of all, else the shapes that occur once."""
    renamings, ambiguities = [], []
    for found in correspondences(lhs, rhs, whole=True):
        lhs, rhs = _remaining(lhs, rhs, found)
        if len(found) == 1:
            renamings.append(_numbered(found[0]))
        else:
            ambiguities.append(_rivals(found))
    unique = by_unique_shape(lhs, rhs, vectors=True)
    if unique:
        how = "Shapes contradict the numbers in these names, and each layer is the only one of its shape"
        renamings.append(_renaming("numbering", unique, True, how))
    lhs, rhs = _without(lhs, (a for a, _ in unique)), _without(rhs, (b for _, b in unique))
    for layers, others in undecided(lhs, rhs, vectors=True):
        ambiguities.append(_ambiguity(layers, others))
    return renamings, ambiguities


def _by_object_order(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]]) -> Found:
    """Keras's `layer_with_weights-N` is the N-th layer of the model that has weights."""
    how = "Keras numbers a model's layers with weights in their order, and every shape agrees in that order"
    return _enumerated(lhs, rhs, OBJECT_LAYER, how)


def _by_list(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]]) -> Found:
    """An exported model's list of variables: all of them in the model's order."""
    how = "An exported model lists its variables in their order, and every shape agrees in that order"
    return _enumerated(split_layers(lhs), split_layers(rhs), LISTED_VARIABLE, how)


def _enumerated(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]], number: re.Pattern[str], how: str) -> Found:
    """All layers of the graph in their order, with those of the checkpoint in the order of a number in their names."""
    numbered = {int(match[1]): layer for layer in rhs if (match := number.search(layer.name.scope))}
    if not numbered or len(numbered) != len(lhs):
        return [], []
    pairs = [(layer, numbered[place]) for layer, place in zip(lhs, sorted(numbered), strict=True)]
    if not all(compatible(a, b) for a, b in pairs):
        return [], []
    return [_renaming("object order", pairs, True, how)], []


def _by_structure(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]]) -> Found:
    """Keras's own files: the layers of each kind in their order, if there are as many and most of the shapes agree."""
    pairs = []
    mine, theirs = _by_ranks(lhs), _by_ranks(rhs)
    for ranks, layers in mine.items():
        others = theirs.get(ranks, [])
        fitting = sum(compatible(a, b) for a, b in zip(layers, others, strict=False))
        if len(layers) == len(others) and 2 * fitting >= len(layers):
            pairs += list(zip(layers, others, strict=True))
    if not pairs:
        return [], []
    how = "Keras loads its own files by the order of the layers, and that is how they are compared"
    return [_renaming("object order", pairs, True, how)], []


def _by_ranks(layers: Sequence[Layer[Item]]) -> dict[frozenset[tuple[str, int]], list[Layer[Item]]]:
    """Layers by the roles and ranks of their variables: a kind of layer, as far as weights tell."""
    found: dict[frozenset[tuple[str, int]], list[Layer[Item]]] = {}
    for layer in layers:
        ranks = frozenset((role, len(item.spec.shape)) for role, item in layer.roles.items())
        found.setdefault(ranks, []).append(layer)
    return found


def _by_numbers(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]]) -> Found:
    """Families of numbered layers."""
    renamings, ambiguities = [], []
    for found in correspondences(lhs, rhs):
        if len(found) == 1:
            renamings.append(_numbered(found[0]))
        else:
            ambiguities.append(_rivals(found))
    return renamings, ambiguities


def _by_shape(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]], systematic: bool) -> Found:
    """Layers that only their shapes join, if the networks are the same but for the names."""
    if _roleless(lhs) != _roleless(rhs):
        # `Variable_3` says neither layer nor role: the other side is taken apart too.
        lhs, rhs = split_layers(lhs), sorted(split_layers(rhs), key=lambda layer: natural(layer.name.scope))
    if not systematic and in_common(lhs, rhs) < _SAME_ARCHITECTURE:
        return [], []
    if pairs := by_order(lhs, rhs):
        unique = {id(a) for a, _ in by_unique_shape(lhs, rhs)}
        certain = [pair for pair in pairs if id(pair[0]) in unique]
        likely = [pair for pair in pairs if id(pair[0]) not in unique]
        found = []
        if certain:
            found.append(_renaming("shape", certain, True, "Each is the only layer of its shape on both sides"))
        if likely:
            how = "All shapes agree one after another in the order of the layers, but several have the same shape"
            found.append(_renaming("order", likely, False, how))
        return found, []
    unique_pairs = by_unique_shape(lhs, rhs, vectors=systematic)
    renamings = []
    if unique_pairs:
        how = "Each is the only layer of its shape on both sides"
        if systematic:
            how = "Each is the only layer of its shape that the other names leave over"
        renamings.append(_renaming("shape", unique_pairs, systematic or len(unique_pairs) > 2, how))
    lhs, rhs = _without(lhs, (a for a, _ in unique_pairs)), _without(rhs, (b for _, b in unique_pairs))
    return renamings, [_ambiguity(layers, others) for layers, others in undecided(lhs, rhs)]


def _roleless(layers: Sequence[Layer[Item]]) -> bool:
    """Whether names say nothing of what a variable is to its layer."""
    return bool(layers) and all(layer.roles.keys() <= {"", "'"} for layer in layers)


def _left_over(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]], systematic: bool) -> Found:
    """The one layer that is left on either side, with one size changed."""
    pairs = left_over(lhs, rhs) if systematic else []
    how = "It is the one layer that is left on either side, and all but one size agrees"
    return ([_renaming("elimination", pairs, False, how)] if pairs else []), []


def _remaining(lhs: list[Layer[Variable]], rhs: list[Layer[Entry]], found: Iterable[Correspondence]) -> Layers:
    pairs = [pair for item in found for pair in (*item.pairs, *item.conflicting)]
    return _without(lhs, (a for a, _ in pairs)), _without(rhs, (b for _, b in pairs))


def _without(layers: Sequence[Layer[Item]], gone: Iterable[object]) -> list[Layer[Item]]:
    ids = {id(layer) for layer in gone}
    return [layer for layer in layers if id(layer) not in ids]


def _numbered(found: Correspondence) -> Renaming:
    kind: Kind = "numbering" if found.lhs == found.rhs else "pattern"
    how = "The numbers in the names correspond, and the shapes agree"
    if kind == "numbering":
        how = "The automatic numbers are shifted, and the shapes agree"
    if found.conflicting:
        how += f" in all but {len(found.conflicting)}"
    return _renaming(kind, [*found.pairs, *found.conflicting], not found.conflicting, how)


def _renaming(kind: Kind, layers: Sequence[tuple[Layer[Variable], Layer[Entry]]], certain: bool, how: str) -> Renaming:
    pairs = [(a.roles[role], b.roles[role]) for a, b in layers for role in a.roles if role in b.roles]
    examples = "; ".join(f"{_shown(a)} is {_shown(b)}" for a, b in layers[:_SHOWN])
    count = f"{len(layers)} layer{'s' if len(layers) > 1 else ''}"
    first, other = layers[0]
    return Renaming(kind, first.name.scope, other.name.scope, tuple(pairs), certain, f"{how}: {count}, {examples}.")


def _rivals(found: Sequence[Correspondence]) -> Ambiguity:
    ways = " or ".join(f"{item.pairs[0][0].name.scope} is {item.pairs[0][1].name.scope}" for item in found[:_SHOWN])
    left = {id(a): a for item in found for a, _ in item.pairs}.values()
    right = {id(b): b for item in found for _, b in item.pairs}.values()
    return Ambiguity(_items(left), _items(right), f"The numbers fit in {len(found)} ways: {ways}.")


def _ambiguity(layers: Sequence[Layer[Variable]], others: Sequence[Layer[Entry]]) -> Ambiguity:
    evidence = f"{len(layers)} layers of the graph and {len(others)} of the checkpoint have the same shapes."
    return Ambiguity(_items(layers), _items(others), evidence)


def _items(layers: Iterable[Layer[Item]]) -> tuple[Item, ...]:
    return tuple(item for layer in layers for item in layer.roles.values())


def _shown(layer: Layer[Item]) -> str:
    """A layer's scope, or its one variable where it stands for itself."""
    return next(iter(layer.roles.values())).key if len(layer.roles) == 1 and "" in layer.roles else layer.name.scope
