"""What Keras's own loader gives a model from a file of Keras's, where it gives every variable a value of its shape.

It goes by the model's structure: by places, or by the order of the layers. That is what is meant, unless names that
somebody chose, and that both sides record, say otherwise.
"""

from __future__ import annotations

from ckptdoctor.alignment.own_names import OwnNames
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry


def match(state: Unmatched) -> Matches:
    """The variables and what they are given; nothing where the load fails or leaves variables as they are."""
    load = state.load
    if not state.by_structure or load is None or load.error or load.kept:
        return Matches()
    names = OwnNames(state.graph, state.inventory)
    entries = {item.value.key: item.value for item in state.unexpected}
    pairs: list[tuple[Variable, Entry]] = []
    for item in state.missing:
        variable = item.value
        entry = entries.get(load.given.get(variable.key, ""))
        if entry is not None and entry.spec.shape == variable.spec.shape and not names.contradict(variable, entry):
            pairs.append((variable, entry))
    if not pairs:
        return Matches()
    evidence = f"{load.call} gives {len(pairs)} variables these values, by the model's structure."
    return Matches(renamings=[Renaming("structure", "", "", tuple(pairs), True, evidence)])
