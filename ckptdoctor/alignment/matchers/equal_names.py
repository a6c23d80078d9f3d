"""Variables and entries of the same key: the same variable, unless automatic numbers were given anew.

`tf.compat.v1.train.Saver` restores by equal keys (TensorFlow, tensorflow/python/training/saver.py, `BaseSaverBuilder`). But
`conv2d_3` of the graph may not be `conv2d_3` of the checkpoint. Equal names are not believed in a family of numbered layers
if shapes contradict them and the contradiction goes away when the numbers are shifted, or when the layers change places
among themselves; nor if all numbers are shifted by as much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ckptdoctor.alignment.families import (
    GraphFamily,
    StoredFamily,
    correspondences,
    group_families,
    template_of,
    templates_of,
)
from ckptdoctor.alignment.labelled import GraphLayer, Labelled, StoredLayer
from ckptdoctor.alignment.layers import compatible, group_layers
from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

_FEWEST = 2


def match(state: Unmatched) -> Matches:
    """The variables of equal keys, and the keys that are doubtful."""
    stored = {item.key: item for item in state.unexpected}
    equal = [(item, stored.pop(item.key)) for item in state.missing if item.key in stored]
    doubtful = _doubtful(state, equal, list(stored.values()))
    return Matches(
        equal=[(item.value, entry.value) for item, entry in equal if item.key not in doubtful], doubtful=doubtful
    )


def _doubtful(
    state: Unmatched, equal: Sequence[tuple[Labelled[Variable], Labelled[Entry]]], others: Sequence[Labelled[Entry]]
) -> set[str]:
    """The keys, of both sides, of families whose numbers were given anew, with their slots.

    Nothing if all names and shapes agree.

    Args:
        state: what is left.
        equal: what has equal keys.
        others: the entries that have not.
    """
    agree = all(Pair(variable.value, entry.value).same_shape for variable, entry in equal)
    if agree and (len(equal) == len(state.variables) or not others):
        return set()
    network = [item for item in state.missing if training_state(item.key) is None]
    entries = [entry for variable, entry in equal if training_state(variable.key) is None]
    entries += [entry for entry in others if training_state(entry.key) is None]
    keys = _renumbered(group_layers(network), group_layers(entries))
    names = dict.fromkeys([*(item.key for item in state.missing), *(item.key for item in others)])
    return {key for key in names if key in keys or ((owned := training_state(key)) and owned.owner in keys)}


def _renumbered(lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer]) -> set[str]:
    """The keys, of both sides, of the families whose equal names cannot be believed."""
    templates = templates_of(lhs) | templates_of(rhs)
    stored = {family.template: family for family in group_families(rhs, templates)}
    keys: set[str] = set()
    for family in group_families(lhs, templates):
        other = stored.get(family.template)
        if other and _is_renumbered(family, other):
            keys.update(item.key for layer in family.members.values() for item in layer.roles.values())
            keys.update(entry.key for layer in other.members.values() for entry in layer.roles.values())
    return keys


def _is_renumbered(lhs: GraphFamily, rhs: StoredFamily) -> bool:
    if _counts_on(lhs, rhs):
        return True
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


def _counts_on(lhs: GraphFamily, rhs: StoredFamily) -> bool:
    """Whether automatic numbers (the first layer has none) go on on one side where another model had stopped.

    Then the numbers that both sides have are other layers, though the shapes of repeated blocks may agree.
    """
    names = [layer.name for layer in lhs.members.values()] + [layer.name for layer in rhs.members.values()]
    bare = any(template_of(name.components)[0] != lhs.template for name in names)
    mine, theirs = sorted(lhs.members), sorted(rhs.members)
    if not bare or len(mine) != len(theirs) or len(mine) < _FEWEST or mine == theirs:
        return False
    shifts = {tuple(b - a for a, b in zip(x, y, strict=True)) for x, y in zip(mine, theirs, strict=True)}
    pairs = zip(mine, theirs, strict=True)
    return len(shifts) == 1 and all(compatible(lhs.members[x], rhs.members[y]) for x, y in pairs)
