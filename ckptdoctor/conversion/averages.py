"""Moving averages into the variables that they are of: `--ema`."""

from __future__ import annotations

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.training_state import AVERAGE, averaged_variable
from ckptdoctor.ops import Drop, Op, Rename
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Inventory


def averages_to_variables(inventory: Inventory) -> Plan:
    """Drops each variable that has a moving average, and gives the average its name.

    Raises:
        UsageError: the checkpoint holds no moving averages, or one is of another shape than its variable.
    """
    ops: list[Op] = []
    for key, entry in inventory.entries.items():
        variable = averaged_variable(key)
        if not variable:
            continue
        raw = inventory.entries.get(variable)
        if raw is not None:
            if raw.spec != entry.spec:
                raise UsageError(f"{key} is {entry.spec}, and {raw.key} is {raw.spec}", hint="Leave --ema out.")
            ops.append(Drop(raw.key))
        ops.append(Rename(key, variable))
    if not ops:
        raise UsageError(
            f"{inventory.source} holds no moving averages",
            hint=f"They are named VARIABLE{AVERAGE}. See: {own_command('inspect', operand(inventory.source))}",
        )
    return Plan(inventory.source, tuple(ops))
