"""Automatic numbers that were given anew: `conv2d_3` of the graph is not `conv2d_3` of the checkpoint.

Equal names are not believed in a family of numbered layers if shapes contradict them and the contradiction goes away
when the numbers are shifted, or when the layers change places among themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ckptdoctor.alignment.families import Family, correspondences, group_families, templates_of
from ckptdoctor.alignment.layers import Layer, compatible
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

_FEWEST = 2


def renumbered(lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]]) -> set[str]:
    """The keys of the families whose equal names cannot be believed."""
    suspicious = _contradicted(lhs, rhs)
    if len(suspicious) < _FEWEST:
        return set()
    templates = templates_of(lhs) | templates_of(rhs)
    stored = {family.template: family for family in group_families(rhs, templates)}
    keys: set[str] = set()
    for family in group_families(lhs, templates):
        other = stored.get(family.template)
        if other and _is_renumbered(family, other):
            keys.update(item.key for layer in family.members.values() for item in layer.roles.values())
    return keys


def _contradicted(lhs: Sequence[Layer[Variable]], rhs: Sequence[Layer[Entry]]) -> list[Layer[Variable]]:
    stored = {layer.name.scope: layer for layer in rhs}
    return [
        layer
        for layer in lhs
        if layer.name.scope in stored and not compatible(layer, stored[layer.name.scope])
    ]  # fmt: skip


def _is_renumbered(lhs: Family[Variable], rhs: Family[Entry]) -> bool:
    shared = lhs.members.keys() & rhs.members.keys()
    wrong = [numbers for numbers in shared if not compatible(lhs.members[numbers], rhs.members[numbers])]
    if len(wrong) < _FEWEST:
        return False
    # The layers change places: as many of each shape on either side.
    mine = Counter(lhs.members[numbers].signature for numbers in wrong)
    theirs = Counter(rhs.members[numbers].signature for numbers in wrong)
    if mine == theirs:
        return True
    layers = list(lhs.members.values()), list(rhs.members.values())
    shift = next(correspondences(*layers, whole=True), ())
    return len(shift) == 1 and not shift[0].plain
