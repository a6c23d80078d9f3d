"""Layers whose names differ in numbers only, and how the numbers of two such families correspond.

`block1_conv1`, `block1_conv2`, … is a family of the graph, `conv1/conv1_1`, … one of the checkpoint. They are the same
layers if each number of one follows from a number of the other by a constant shift (or is always the same), for all
members at once, and every shape fits. A shift is also what automatic numbering leaves: `conv2d_39` for `conv2d`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Generic

from ckptdoctor.alignment.labelled import GraphLayer, Labelled, LayerPair, StoredLayer
from ckptdoctor.alignment.layers import Item, Layer, compatible
from ckptdoctor.libraries.name import Tokens
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.tensor import Shape

Template = tuple[str, ...]
Numbers = tuple[int, ...]

_MOST_NUMBERS = 5
_MOST_LAYERS = 4000


@dataclass(frozen=True)
class Family(Generic[Item]):
    """Layers by the numbers in their names."""

    template: Template
    members: dict[Numbers, Layer[Item]]


GraphFamily = Family[Labelled[Variable]]
StoredFamily = Family[Labelled[Entry]]


@dataclass(frozen=True)
class Correspondence:
    """Layers of two families, one to one.

    Attributes:
        lhs, rhs: the families.
        pairs: layers whose numbers correspond and whose shapes fit.
        conflicting: layers whose numbers correspond and whose shapes do not fit.
        plain: whether no number changes.
    """

    lhs: Template
    rhs: Template
    pairs: tuple[LayerPair, ...]
    conflicting: tuple[LayerPair, ...]
    plain: bool

    @property
    def score(self) -> int:
        """What speaks for it, less what speaks against it."""
        return len(self.pairs) - 2 * len(self.conflicting)

    @property
    def overlap(self) -> int:
        """How many words the two share."""
        return len({word for word in self.lhs if word != "#"} & set(self.rhs))


def group_families(layers: Iterable[Layer[Item]], templates: set[Template]) -> list[Family[Item]]:
    """The families. A layer without a number is number 0 where numbered ones of its kind are among `templates`."""
    families: dict[Template, Family[Item]] = {}
    for layer in layers:
        template, numbers = _numbered(layer.name.components, templates)
        family = families.setdefault(template, Family(template, {}))
        if numbers in family.members:  # `fc` beside `fc_0`: the bare one stands for itself
            template, numbers = template_of(layer.name.components)
            family = families.setdefault(template, Family(template, {}))
        family.members.setdefault(numbers, layer)
    return list(families.values())


def templates_of(layers: Iterable[Layer[Item]]) -> set[Template]:
    """The words with # for each number, of every layer."""
    return {template_of(layer.name.components)[0] for layer in layers}


@lru_cache(maxsize=1 << 16)
def template_of(components: tuple[Tokens, ...]) -> tuple[Template, Numbers]:
    """The words with # for each number, and the numbers."""
    tokens = [token for part in components for token in part]
    words = tuple("#" if isinstance(token, int) else token for token in tokens)
    return words, tuple(token for token in tokens if isinstance(token, int))


def _numbered(components: tuple[Tokens, ...], templates: set[Template]) -> tuple[Template, Numbers]:
    for index, part in enumerate(components):
        if part and isinstance(part[-1], str):
            numbered = (*components[:index], (*part, 0), *components[index + 1 :])
            if template_of(numbered)[0] in templates:
                components = numbered
    return template_of(components)


def correspondences(
    missing: Sequence[GraphLayer], unexpected: Sequence[StoredLayer], *, whole: bool = False
) -> Iterator[tuple[Correspondence, ...]]:
    """The families that correspond, the largest first; several at once are rivals that fit equally well.

    Args:
        missing: the graph's layers.
        unexpected: the checkpoint's.
        whole: believe only what fits every layer of a family.
    """
    if not missing or not unexpected or max(len(missing), len(unexpected)) > _MOST_LAYERS:
        return
    templates = templates_of(missing) | templates_of(unexpected)
    left, right = group_families(missing, templates), group_families(unexpected, templates)
    best = {(lhs.template, rhs.template): _best(lhs, rhs) for lhs in left for rhs in right if _comparable(lhs, rhs)}
    while True:
        believed = [item for items in best.values() for item in items if _believed(item, left, right, whole=whole)]
        if not believed:
            return
        first = max(believed, key=_weight)
        rivals = [item for item in believed if item.lhs == first.lhs and _weight(item)[:3] == _weight(first)[:3]]
        # Two ways to say the same are no rivals.
        chosen = tuple({_identity(item): item for item in rivals}.values())
        yield chosen
        gone = {id(layer) for item in chosen for pair in (*item.pairs, *item.conflicting) for layer in pair}
        changed = {item.lhs for item in chosen}, {item.rhs for item in chosen}
        left = [_without(family, gone) for family in left]
        right = [_without(family, gone) for family in right]
        by_template = {family.template: family for family in left}, {family.template: family for family in right}
        for lhs, rhs in best:
            if lhs in changed[0] or rhs in changed[1]:
                best[lhs, rhs] = _best(by_template[0][lhs], by_template[1][rhs])


def _weight(item: Correspondence) -> tuple[int, int, bool, Template, Template]:
    return (item.score, item.overlap, item.plain, item.lhs, item.rhs)


def _identity(item: Correspondence) -> frozenset[tuple[int, int]]:
    return frozenset((id(lhs), id(rhs)) for lhs, rhs in item.pairs)


def _believed(item: Correspondence, left: Sequence[GraphFamily], right: Sequence[StoredFamily], *, whole: bool) -> bool:
    mine = next(len(family.members) for family in left if family.template == item.lhs)
    theirs = next(len(family.members) for family in right if family.template == item.rhs)
    if whole:
        return not item.conflicting and len(item.pairs) == mine
    # Of another network a few layers fit by chance: most of the smaller family must.
    enough = len(item.pairs) >= 2 and 2 * len(item.pairs) >= min(mine, theirs)
    return enough and len(item.conflicting) * 4 <= len(item.pairs)


def _without(family: Family[Item], gone: set[int]) -> Family[Item]:
    kept = {numbers: layer for numbers, layer in family.members.items() if id(layer) not in gone}
    return Family(family.template, kept)


def _comparable(lhs: GraphFamily, rhs: StoredFamily) -> bool:
    roles = {role for layer in rhs.members.values() for role in layer.roles}
    return any(role in roles for layer in lhs.members.values() for role in layer.roles)


def _best(lhs: GraphFamily, rhs: StoredFamily) -> list[Correspondence]:
    """The correspondences of two families that join most layers; empty if none joins two."""
    if len(lhs.members) < 2 or len(rhs.members) < 2:
        return []
    varying = _varying(lhs.members)
    changing = _varying(rhs.members)
    if len(varying) > _MOST_NUMBERS or len(changing) > _MOST_NUMBERS:
        return []
    fits = _Fits(lhs, rhs)
    anchors = sorted((item for item in lhs.members if fits.of(item)), key=lambda item: len(fits.of(item)))
    readings: dict[frozenset[tuple[Numbers, Numbers]], Correspondence] = {}
    most = 2
    # Two anchors, because one may be the layer that was changed.
    for anchor in anchors[:2]:
        for target in fits.of(anchor):
            # Each number of the target comes from a number of the anchor by a shift, or is the same for all.
            for sources in product([*varying, None], repeat=len(changing)):
                if len({source for source in sources if source is not None}) < min(len(varying), len(changing)):
                    continue  # a number that distinguishes layers must not be lost
                joined, conflicts = _join(lhs, rhs, fits, anchor, target, dict(zip(changing, sources, strict=True)))
                if len(joined) - 2 * len(conflicts) < most:
                    continue
                most = len(joined) - 2 * len(conflicts)
                shifts = [target[i] - anchor[s] for i, s in zip(changing, sources, strict=True) if s is not None]
                in_order = list(sources) == sorted(s for s in sources if s is not None)
                pairs, conflicting = (
                    tuple((lhs.members[a], rhs.members[b]) for a, b in some) for some in (joined, conflicts)
                )
                item = Correspondence(lhs.template, rhs.template, pairs, conflicting, in_order and not any(shifts))
                known = readings.get(frozenset(joined))
                if known is None or item.plain:
                    readings[frozenset(joined)] = item
    best = max((item.score for item in readings.values()), default=0)
    return [item for item in readings.values() if item.score == best]


class _Fits:
    """Which members of two families can be the same layer, looked up by their shapes: there are few different ones."""

    def __init__(self, lhs: GraphFamily, rhs: StoredFamily) -> None:
        self._lhs = {numbers: _shapes(layer) for numbers, layer in lhs.members.items()}
        self._rhs = {numbers: _shapes(layer) for numbers, layer in rhs.members.items()}
        mine = {self._lhs[numbers]: layer for numbers, layer in lhs.members.items()}
        theirs = {self._rhs[numbers]: layer for numbers, layer in rhs.members.items()}
        self._compatible = {(a, b) for a, x in mine.items() for b, y in theirs.items() if compatible(x, y)}
        self._of = {a: [numbers for numbers, b in self._rhs.items() if (a, b) in self._compatible] for a in mine}

    def of(self, numbers: Numbers) -> list[Numbers]:
        """The other family's members that fit this one."""
        return self._of[self._lhs[numbers]]

    def pair(self, lhs: Numbers, rhs: Numbers) -> bool:
        """Whether two members fit."""
        return (self._lhs[lhs], self._rhs[rhs]) in self._compatible


def _shapes(layer: Layer[Item]) -> frozenset[tuple[str, Shape]]:
    return frozenset((role, item.spec.shape) for role, item in layer.roles.items())


def _varying(members: dict[Numbers, Layer[Item]]) -> list[int]:
    """The positions at which the numbers differ among the members."""
    count = len(next(iter(members), ()))
    return [index for index in range(count) if len({numbers[index] for numbers in members}) > 1]


def _join(
    lhs: GraphFamily,
    rhs: StoredFamily,
    fits: _Fits,
    anchor: Numbers,
    target: Numbers,
    sources: dict[int, int | None],
) -> tuple[list[tuple[Numbers, Numbers]], list[tuple[Numbers, Numbers]]]:
    """The members that a correspondence of numbers joins, and those that it would join though they do not fit."""
    joined: list[tuple[Numbers, Numbers]] = []
    conflicts: list[tuple[Numbers, Numbers]] = []
    for numbers in lhs.members:
        corresponding = list(target)
        for index, source in sources.items():
            if source is not None:
                corresponding[index] = numbers[source] + target[index] - anchor[source]
        key = tuple(corresponding)
        if key in rhs.members:
            (joined if fits.pair(numbers, key) else conflicts).append((numbers, key))
    if len({key for _, key in (*joined, *conflicts)}) < len(joined) + len(conflicts):
        return [], []
    return joined, conflicts
