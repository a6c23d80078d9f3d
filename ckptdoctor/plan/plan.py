"""A plan: operations on one checkpoint, in order, checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ckptdoctor.errors import UsageError
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.ops import Drop, Op, Rename
from ckptdoctor.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class Derived:
    """A tensor of the output: the key it comes from, and the operations on its values, in order."""

    source: str
    spec: TensorSpec
    ops: tuple[Op, ...] = ()

    @property
    def keeps_bytes(self) -> bool:
        """Whether its bytes are the source's."""
        return all(op.keeps_bytes for op in self.ops)


@dataclass(frozen=True, slots=True)
class Plan:
    """Operations on a checkpoint, in order; each names a key as the ones before it left it.

    Attributes:
        checkpoint: the source.
        ops: the operations.
        notes: why, a sentence each.
    """

    checkpoint: str
    ops: tuple[Op, ...]
    notes: tuple[str, ...] = ()


def derive(plan: Plan, inventory: Inventory) -> dict[str, Derived]:
    """What the plan makes of a checkpoint: output key → where it comes from.

    Raises:
        UsageError: an operation names a key that is not there, collides with one, or does not fit its tensor.
    """
    made = {key: Derived(key, entry.spec) for key, entry in inventory.entries.items()}
    for number, op in enumerate(plan.ops, 1):
        step = f"step {number} ({op.verb} {op.key})"
        derived = made.get(op.key)
        if derived is None:
            raise UsageError(f"{step}: there is no such key", hint="Look it up: ckptdoctor inspect " + plan.checkpoint)
        try:
            spec = op.infer(derived.spec)
        except ValueError as error:
            raise UsageError(f"{step}: {error}", hint="Correct this step of the plan.") from error
        del made[op.key]
        if isinstance(op, Drop):
            continue
        key = op.to if isinstance(op, Rename) else op.key
        if key in made:
            raise UsageError(f"{step}: {key} exists already", hint="Drop or rename that one first.")
        values = derived.ops if isinstance(op, Rename) else (*derived.ops, op)
        made[key] = Derived(derived.source, spec, values)
    return made


def carried_out(plan: Plan, inventory: Inventory) -> Inventory:
    """The checkpoint as a plan would leave it.

    Raises:
        UsageError: see `derive`.
    """
    made = derive(plan, inventory)
    entries = {
        key: replace(inventory.entries[item.source], key=key, spec=item.spec) for key, item in sorted(made.items())
    }
    return replace(inventory, entries=entries)


def concat(checkpoint: str, parts: Sequence[Plan]) -> Plan:
    """One plan from several, run one after another."""
    return Plan(
        checkpoint,
        tuple(op for part in parts for op in part.ops),
        tuple(note for part in parts for note in part.notes),
    )
