"""Leaving an optimizer's state out: `--optimizer drop`."""

from __future__ import annotations

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.training_state import entry_state
from ckptdoctor.ops import Drop
from ckptdoctor.specs.inventory import Inventory


def drop_optimizer(inventory: Inventory) -> Plan:
    """Everything that belongs to an optimizer is left out; steps and moving averages stay.

    Raises:
        UsageError: there is nothing of an optimizer.
    """
    dropped = [
        key
        for key, entry in inventory.variables.items()
        if (state := entry_state(entry)) is not None and state.kind == "slot"
    ]
    if not dropped:
        raise UsageError(f"{inventory.source} holds no optimizer's state", hint="Leave --optimizer out.")
    return Plan(inventory.source, tuple(map(Drop, dropped)))
