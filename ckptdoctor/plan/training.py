"""Leaving an optimizer's state out: `--optimizer drop`."""

from __future__ import annotations

from ckptdoctor.alignment.training_state import training_state
from ckptdoctor.errors import UsageError
from ckptdoctor.plan.plan import Plan
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.ops import Drop


def drop_optimizer(inventory: Inventory) -> Plan:
    """Everything that belongs to an optimizer is left out; steps and moving averages stay.

    Raises:
        UsageError: there is nothing of an optimizer.
    """
    dropped = [
        key
        for key, entry in inventory.variables.items()
        if entry.owner or ((state := training_state(key)) is not None and state.kind == "slot")
    ]
    if not dropped:
        raise UsageError(f"{inventory.source} holds no optimizer's state", hint="Leave --optimizer out.")
    return Plan(inventory.source, tuple(map(Drop, dropped)))
