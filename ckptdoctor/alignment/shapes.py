"""Layers that names do not join: by shapes that occur once, by their order, by what is left over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ckptdoctor.alignment.layers import Item, Layer, Signature, compatible, flat
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

Pairs = list[tuple[Layer[Variable], Layer[Entry]]]

_FEWEST = 3


def by_unique_shape(lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]], *, vectors: bool = False) -> Pairs:
    """Layers that are the only ones of their shapes on both sides; with `vectors` also those without a kernel."""
    mine, theirs = _by_signature(lhs), _by_signature(rhs)
    return [
        (mine[signature][0], theirs[signature][0])
        for signature in mine
        if len(mine[signature]) == 1 == len(theirs.get(signature, ())) and (vectors or _tells(mine[signature][0]))
        and compatible(mine[signature][0], theirs[signature][0])
    ]  # fmt: skip


def by_order(lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]]) -> Pairs:
    """All layers one to one in their order, if that fits every shape; else none."""
    if len(lhs) != len(rhs) or len(lhs) < _FEWEST:
        return []
    pairs = list(zip(lhs, rhs, strict=True))
    return pairs if all(compatible(a, b) for a, b in pairs) else []


def left_over(lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]]) -> Pairs:
    """The one layer with a kernel that is left on either side, if all but one size of it agrees."""
    mine, theirs = [layer for layer in lhs if _tells(layer)], [layer for layer in rhs if _tells(layer)]
    if len(mine) != 1 or len(theirs) != 1:
        return []
    shared = [role for role in mine[0].roles if role in theirs[0].roles]
    for role in shared:
        a, b = flat(mine[0].roles[role].spec.shape), flat(theirs[0].roles[role].spec.shape)
        if len(a) == len(b) >= 2 and sum(x == y for x, y in zip(a, b, strict=True)) >= len(a) - 1:
            return [(mine[0], theirs[0])]
    return []


def undecided(
    lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]], *, vectors: bool = False
) -> Iterator[tuple[list[Layer[Variable]], list[Layer[Entry]]]]:
    """Layers of equal shapes of which there are several."""
    mine, theirs = _by_signature(lhs), _by_signature(rhs)
    for signature, layers in mine.items():
        others = theirs.get(signature, [])
        if others and len(layers) + len(others) > 2 and (vectors or _tells(layers[0])):
            yield layers, others


def in_common(lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]]) -> float:
    """The share of the graph's telling layers whose shapes the checkpoint has too."""
    mine = Counter(layer.signature for layer in lhs if _tells(layer))
    theirs = Counter(layer.signature for layer in rhs if _tells(layer))
    return (mine & theirs).total() / max(1, mine.total())


def _by_signature(layers: Sequence[Layer[Item]]) -> dict[Signature, list[Layer[Item]]]:
    found: dict[Signature, list[Layer[Item]]] = {}
    for layer in layers:
        found.setdefault(layer.signature, []).append(layer)
    return found


def _tells(layer: Layer[Item]) -> bool:
    """Whether the shapes say anything: a kernel does, a vector of 64 numbers does not."""
    return any(len(item.spec.shape) > 1 for item in layer.roles.values())
