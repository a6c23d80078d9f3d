"""What is done to a variable is done to its slot variables and moving averages too."""

from __future__ import annotations

from dataclasses import replace

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.libraries.training_state import entry_state
from ckptdoctor.ops import Op, Rename
from ckptdoctor.specs.inventory import Inventory


def with_slots(plan: Plan, inventory: Inventory) -> Plan:
    """The plan with each operation repeated for the owner's slots and averages of the same shape."""
    owned: dict[str, list[str]] = {}
    for key, entry in inventory.entries.items():
        state = entry_state(entry)
        owner = inventory.entries.get(state.owner) if state else None
        if owner is not None and owner.spec.shape == entry.spec.shape:
            owned.setdefault(owner.key, []).append(key)
    planned = {op.key for op in plan.ops}
    ops: list[Op] = []
    for op in plan.ops:
        ops.append(op)
        # What only moves elements holds for slots too; what computes, casts or drops would make other state of them.
        if not op.moves_elements:
            continue
        for key in owned.get(op.key, ()):
            if key in planned:
                continue
            if not isinstance(op, Rename):
                ops.append(replace(op, key=key))
            elif key.startswith(op.key):
                ops.append(Rename(key, op.to + key.removeprefix(op.key)))
    return replace(plan, ops=tuple(ops))
