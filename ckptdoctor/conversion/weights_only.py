"""A plan for a format that holds a model's weights and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.conversion.plan import Plan, concat, derive
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.ops import Drop
from ckptdoctor.specs.inventory import Inventory


def weights_only(plan: Plan, inventory: Inventory, order: Sequence[str]) -> Plan:
    """The plan, with what is no weight dropped at its end.

    Args:
        plan: what to do before.
        inventory: the source.
        order: the model's weights, if a graph tells them; else all but training state is kept.

    Raises:
        UsageError: nothing would be left.
    """
    wanted = set(order)
    made = derive(plan, inventory)
    dropped = [key for key in made if (key not in wanted if wanted else training_state(key) is not None)]
    if made and len(dropped) == len(made):
        raise UsageError(
            f"{inventory.source} holds none of the model's weights under names that could be matched",
            hint="See: ckptdoctor diff GRAPH CHECKPOINT",
        )
    note = (f"{len(dropped)} tensors are no weights of the model and are left out.",) if dropped else ()
    return concat(inventory.source, [plan, Plan(inventory.source, tuple(Drop(key) for key in dropped), note)])
