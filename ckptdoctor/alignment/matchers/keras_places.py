"""The variables of a Keras 3 model, at the places where Keras itself looks for them in its file.

A model says where it puts each variable (`layers/dense/vars/0`), and a file has something at that place. It is believed
if the file has at least half of the model there: what lies at the same place in another model's file is another layer.
Names that both sides record must not say otherwise.
Source: Keras 3, keras/src/saving/saving_lib.py, `_save_state` and `H5IOStore`.
"""

from __future__ import annotations

from collections import Counter

from ckptdoctor.alignment.own_names import OwnNames
from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched


def match(state: Unmatched) -> Matches:
    """The entries at the variables' places."""
    entries = {item.value.key: item.value for item in state.unexpected}
    missing = [item.value for item in state.missing]
    names = OwnNames(state.graph, state.inventory)
    takers = Counter(variable.stored for variable in missing)
    pairs = tuple(
        (item, entries[item.stored])
        for item in missing
        if item.stored in entries and takers[item.stored] == 1 and not names.contradict(item, entries[item.stored])
    )
    found = [pair for renaming in state.renamings for pair in renaming.pairs]
    at_their_places = sum(variable.stored == entry.key for variable, entry in found)
    if 2 * (len(pairs) + at_their_places) < len(missing) + len(found) or not pairs:
        return Matches()
    fitting = sum(Pair(variable, entry).same_shape for variable, entry in pairs)
    evidence = f"Keras keeps these {len(pairs)} variables at these places, and {fitting} of the shapes agree."
    return Matches(renamings=[Renaming("recorded", "", "", pairs, True, evidence)])
