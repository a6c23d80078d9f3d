"""A plan for a format that holds a model's weights and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.conversion.optimizer_state import state_keys
from ckptdoctor.conversion.plan import Plan, concat, derive
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.ops import Drop
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Inventory


def weights_only(plan: Plan, inventory: Inventory, order: Sequence[str], no_state: str = "") -> Plan:
    """The plan, with what is no weight dropped at its end.

    Args:
        plan: what to do before.
        inventory: the source.
        order: what is kept, if that is known; else all but training state.
        no_state: why an optimizer's state is left out, where there is one.

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
    return concat(
        inventory.source,
        [plan, Plan(inventory.source, tuple(map(Drop, dropped)), notes_on_dropped(dropped, inventory, no_state))],
    )


def notes_on_dropped(dropped: Sequence[str], inventory: Inventory, no_state: str) -> tuple[str, ...]:
    """What is said of tensors that a format or a model does not take; those of an optimizer apart, and why."""
    state = set(state_keys(inventory)).intersection(dropped)
    others = sum(key != OBJECT_GRAPH_KEY for key in dropped) - len(state)
    notes = []
    if state:
        what = f"{len(state)} tensors of an optimizer's state are left out"
        notes.append(f"{what}: {no_state}." if no_state else f"{what}.")
    if others:
        notes.append(f"{others} tensors are no weights of the model and are left out.")
    return tuple(notes)
