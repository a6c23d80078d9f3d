"""Layers that only their shapes join, if the networks are the same but for the names.

That the networks are the same is believed if names joined half of the graph, or if enough layers have shapes that the
checkpoint has too. Then all layers in their order, if that fits every shape; else each layer that is the only one of its
shape on both sides. Layers of equal shapes are not told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ckptdoctor.alignment.labelled import GraphLayer, LayerPair, StoredLayer
from ckptdoctor.alignment.layer_renamings import rename_layers, same_shapes, without
from ckptdoctor.alignment.layers import Item, Layer, Signature, compatible, has_kernel, natural, split_layers
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched

_SAME_ARCHITECTURE = 0.6
"""The share of layers whose shapes must occur on both sides before shapes alone join any."""
_FEWEST_IN_ORDER = 3


def match(state: Unmatched) -> Matches:
    """The layers of the same shapes: in their order, or each the only one."""
    lhs, rhs = state.layers()
    systematic = state.systematic
    if _without_roles(lhs) != _without_roles(rhs):
        # `Variable_3` says neither layer nor role: the other side is taken apart too.
        lhs, rhs = split_layers(lhs), sorted(split_layers(rhs), key=lambda layer: natural(layer.name.scope))
    if not systematic and _in_common(lhs, rhs) < _SAME_ARCHITECTURE:
        return Matches()
    if pairs := _by_order(lhs, rhs):
        return Matches(renamings=_in_order(pairs, by_unique_shape(lhs, rhs)))
    unique = by_unique_shape(lhs, rhs, vectors=systematic)
    renamings = []
    if unique:
        how = "Each is the only layer of its shape on both sides"
        if systematic:
            how = "Each is the only layer of its shape that the other names leave over"
        renamings.append(rename_layers("shape", unique, systematic or len(unique) > 2, how))
    lhs, rhs = without(lhs, (a for a, _ in unique)), without(rhs, (b for _, b in unique))
    ambiguities = [same_shapes("shape", *layers) for layers in undecided(lhs, rhs)]
    return Matches(renamings=renamings, ambiguities=ambiguities)


def by_unique_shape(lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer], *, vectors: bool = False) -> list[LayerPair]:
    """Layers that are the only ones of their shapes on both sides; with `vectors` also those without a kernel."""
    mine, theirs = _by_signature(lhs), _by_signature(rhs)
    return [
        (mine[signature][0], theirs[signature][0])
        for signature in mine
        if len(mine[signature]) == 1 == len(theirs.get(signature, ())) and (vectors or has_kernel(mine[signature][0]))
        and compatible(mine[signature][0], theirs[signature][0])
    ]  # fmt: skip


def undecided(
    lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer], *, vectors: bool = False
) -> Iterator[tuple[list[GraphLayer], list[StoredLayer]]]:
    """Layers of equal shapes of which there are several."""
    mine, theirs = _by_signature(lhs), _by_signature(rhs)
    for signature, layers in mine.items():
        others = theirs.get(signature, [])
        if others and len(layers) + len(others) > 2 and (vectors or has_kernel(layers[0])):
            yield layers, others


def _by_order(lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer]) -> list[LayerPair]:
    """All layers one to one in their order, if that fits every shape; else none."""
    if len(lhs) != len(rhs) or len(lhs) < _FEWEST_IN_ORDER:
        return []
    pairs = list(zip(lhs, rhs, strict=True))
    return pairs if all(compatible(a, b) for a, b in pairs) else []


def _in_order(pairs: Sequence[LayerPair], unique: Sequence[LayerPair]) -> list[Renaming]:
    """Pairs in their order: certain where a shape occurs once, likely elsewhere."""
    ids = {id(layer) for layer, _ in unique}
    certain = [pair for pair in pairs if id(pair[0]) in ids]
    likely = [pair for pair in pairs if id(pair[0]) not in ids]
    renamings = []
    if certain:
        renamings.append(rename_layers("shape", certain, True, "Each is the only layer of its shape on both sides"))
    if likely:
        how = "All shapes agree one after another in the order of the layers, but several have the same shape"
        renamings.append(rename_layers("order", likely, False, how))
    return renamings


def _without_roles(layers: Sequence[Layer[Item]]) -> bool:
    """Whether names say nothing of what a variable is to its layer."""
    return bool(layers) and all(layer.roles.keys() <= {"", "'"} for layer in layers)


def _in_common(lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer]) -> float:
    """The share of the graph's layers with kernels whose shapes the checkpoint has too."""
    mine = Counter(layer.signature for layer in lhs if has_kernel(layer))
    theirs = Counter(layer.signature for layer in rhs if has_kernel(layer))
    return (mine & theirs).total() / max(1, mine.total())


def _by_signature(layers: Sequence[Layer[Item]]) -> dict[Signature, list[Layer[Item]]]:
    layers_of: dict[Signature, list[Layer[Item]]] = {}
    for layer in layers:
        layers_of.setdefault(layer.signature, []).append(layer)
    return layers_of
