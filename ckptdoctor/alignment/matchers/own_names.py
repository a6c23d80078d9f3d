"""The variables and entries of a Keras model and a file of Keras's for which both sides record one name.

Names that Keras numbers by itself say nothing; see `OwnNames`.
"""

from __future__ import annotations

from ckptdoctor.alignment.own_names import OwnNames
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.specs.inventory import Entry


def match(state: Unmatched) -> Matches:
    """What has one name on both sides."""
    if not state.by_structure:
        return Matches()
    names = OwnNames(state.graph, state.inventory)
    by_end: dict[str, list[Entry]] = {}
    for item in state.unexpected:
        by_end.setdefault(_end(item.value.name), []).append(item.value)
    pairs = []
    for variable in (item.value for item in state.missing):
        same = [entry for entry in by_end.get(_end(variable.key), ()) if names.same(variable, entry)]
        if len(same) == 1:
            pairs.append((variable, same[0]))
    if not pairs:
        return Matches()
    examples = "; ".join(f"{variable.key} is {entry.key}" for variable, entry in pairs[:3])
    evidence = f"Both sides record one name for {len(pairs)} variables: {examples}."
    return Matches(renamings=[Renaming("named", "", "", tuple(pairs), True, evidence)])


def _end(name: str) -> str:
    return "/".join(name.split("/")[-2:])
