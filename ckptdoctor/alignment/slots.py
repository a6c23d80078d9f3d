"""Slots and moving averages go where their variables go: what joins a variable joins them, for the same reason."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace

from ckptdoctor.alignment.labelled import Labelled
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Unmatched
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.objects import OBJECT_VALUE


def with_slots(unmatched: Unmatched) -> list[Renaming]:
    """The renamings that names gave, for the slots and averages of their variables too, in the graph's order.

    What a checkpoint records stays as it is: it records its slots itself.
    """
    order = {variable.key: position for position, variable in enumerate(unmatched.variables)}
    return [
        renaming if renaming.kind == "recorded" else _with_slots(renaming, unmatched, order)
        for renaming in unmatched.renamings
    ]


def _with_slots(renaming: Renaming, unmatched: Unmatched, order: Mapping[str, int]) -> Renaming:
    owners = {variable.key: unmatched.labels[entry.key] for variable, entry in renaming.pairs}
    stored_owners = set(owners.values())
    stored: dict[tuple[str, str], list[Labelled[Entry]]] = {}
    for item in unmatched.unexpected:
        owner, slot = _owner(item.key, stored_owners)
        if owner:
            stored.setdefault((owner, slot), []).append(item)
    pairs = list(renaming.pairs)
    for variable in unmatched.missing:
        owner, slot = _owner(variable.key, owners.keys())
        candidates = stored.get((owners[owner], slot), []) if owner else []
        if len(candidates) == 1:
            pairs.append((variable.value, candidates[0].value))
    return replace(renaming, pairs=tuple(sorted(pairs, key=lambda pair: order[pair[0].key])))


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
