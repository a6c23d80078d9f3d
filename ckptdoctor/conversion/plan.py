"""A plan: operations on one checkpoint, in order, checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Op, Partition, Rename
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class Derived:
    """A tensor of the output: one of the source's, or what an operation makes of others.

    Attributes:
        spec: its type and shape.
        source: the key of the source that it is; empty if an operation makes it.
        op: the operation that makes it.
        parents: what that operation takes.
    """

    spec: TensorSpec
    source: str = ""
    op: Op | None = None
    parents: tuple[Derived, ...] = ()

    @property
    def origin(self) -> Derived | None:
        """The source's tensor that has the same bytes; None if its bytes must be computed."""
        derived = self
        while derived.op is not None:
            if not derived.op.keeps_bytes:
                return None
            derived = derived.parents[0]
        return derived


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
    made = {key: Derived(entry.spec, key) for key, entry in inventory.entries.items()}
    for number, op in enumerate(plan.ops, 1):
        step = f"step {number} ({op.verb} {op.key})"
        absent = [key for key in op.reads if key not in made]
        if absent:
            raise UsageError(
                f"{step}: there is no {absent[0]}", hint="Look it up: ckptdoctor inspect " + plan.checkpoint
            )
        parents = tuple(made[key] for key in op.reads)
        try:
            spec = op.infer(*(parent.spec for parent in parents))
        except ValueError as error:
            raise UsageError(f"{step}: {error}", hint="Correct this step of the plan.") from error
        for key in op.removes:
            del made[key]
        if not op.writes:
            continue
        if op.writes in made:
            raise UsageError(f"{step}: {op.writes} exists already", hint="Drop or rename that one first.")
        made[op.writes] = parents[0] if isinstance(op, Rename) else Derived(spec, "", op, parents)
    return made


def inverted(plan: Plan, inventory: Inventory) -> Plan:
    """The plan that makes the checkpoint again of what a plan made of it.

    Raises:
        UsageError: an operation has no inverse; see also `derive`.
    """
    derive(plan, inventory)
    specs = {key: entry.spec for key, entry in inventory.entries.items()}
    undone: list[Op] = []
    for number, op in enumerate(plan.ops, 1):
        taken = tuple(specs[key] for key in op.reads)
        inverse = op.inverse(*taken)
        if inverse is None:
            raise UsageError(
                f"step {number} ({op.verb} {op.key}) cannot be undone", hint="Keep the checkpoint that it was made of."
            )
        undone.insert(0, inverse)
        made = op.infer(*taken)
        for key in op.removes:
            del specs[key]
        if op.writes:
            specs[op.writes] = made
    return Plan(plan.checkpoint, tuple(undone))


def carried_out(plan: Plan, inventory: Inventory) -> Inventory:
    """The checkpoint as a plan would leave it.

    Raises:
        UsageError: see `derive`.
    """
    made = derive(plan, inventory)
    entries = {key: _entry(key, item, inventory) for key, item in sorted(made.items())}
    return replace(inventory, entries=entries)


def _entry(key: str, item: Derived, inventory: Inventory) -> Entry:
    origin = item.origin
    if isinstance(item.op, Partition):
        return Entry(key, item.spec, item.op.slices(item.spec.shape))
    if origin is None:
        return Entry(key, item.spec)
    entry = inventory.entries[origin.source]
    return replace(entry, key=key, spec=item.spec, slices=entry.slices if item.op is None else ())


def concat(checkpoint: str, parts: Sequence[Plan]) -> Plan:
    """One plan from several, run one after another."""
    return Plan(
        checkpoint,
        tuple(op for part in parts for op in part.ops),
        tuple(note for part in parts for note in part.notes),
    )
