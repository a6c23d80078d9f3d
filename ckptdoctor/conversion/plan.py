"""A plan: operations on one checkpoint, in order, checked before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Op
from ckptdoctor.specs.command import operand, own_command
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

    @property
    def sources(self) -> frozenset[str]:
        """The keys of the source that it is made of."""
        return frozenset({self.source} if self.source else ()).union(*(parent.sources for parent in self.parents))


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


@dataclass(frozen=True, slots=True)
class Step:
    """One operation of a plan, on the tensors as the ones before it left them.

    Attributes:
        number: its place in the plan, from 1.
        op: the operation.
        taken: what it reads, in order.
        result: what it makes of them; of no use where it writes no key.
    """

    number: int
    op: Op
    taken: tuple[Derived, ...]
    result: Derived

    @property
    def specs(self) -> tuple[TensorSpec, ...]:
        """The types and shapes of what it reads."""
        return tuple(tensor.spec for tensor in self.taken)


def steps(plan: Plan, inventory: Inventory) -> Iterator[Step]:
    """Goes through a plan, operation by operation.

    Raises:
        UsageError: an operation names a key that is not there, collides with one, or does not fit its tensor.
    """
    return _steps(plan, _sources(inventory))


def derive(plan: Plan, inventory: Inventory) -> dict[str, Derived]:
    """What the plan makes of a checkpoint: output key → where it comes from.

    Raises:
        UsageError: see `steps`.
    """
    tensors = _sources(inventory)
    for _ in _steps(plan, tensors):
        pass
    return tensors


def _sources(inventory: Inventory) -> dict[str, Derived]:
    return {key: Derived(entry.spec, key) for key, entry in inventory.entries.items()}


def _steps(plan: Plan, tensors: dict[str, Derived]) -> Iterator[Step]:
    """The steps of a plan on tensors, which are afterwards as it leaves them."""
    for number, op in enumerate(plan.ops, 1):
        step = f"step {number} ({op.verb} {op.key})"
        absent = [key for key in op.reads if key not in tensors]
        if absent:
            raise UsageError(
                f"{step}: there is no {absent[0]}",
                hint=f"Look it up: {own_command('inspect', operand(plan.checkpoint))}",
            )
        taken = tuple(tensors[key] for key in op.reads)
        try:
            spec = op.infer(*(tensor.spec for tensor in taken))
        except ValueError as error:
            raise UsageError(f"{step}: {error}", hint="Correct this step of the plan.") from error
        for key in op.removes:
            del tensors[key]
        result = taken[0] if op.keeps_tensor else Derived(spec, "", op, taken)
        if op.writes:
            if op.writes in tensors:
                raise UsageError(f"{step}: {op.writes} exists already", hint="Drop or rename that one first.")
            tensors[op.writes] = result
        yield Step(number, op, taken, result)


def inverted(plan: Plan, inventory: Inventory) -> Plan:
    """The plan that makes the checkpoint again of what a plan made of it.

    Raises:
        UsageError: an operation has no inverse; see also `steps`.
    """
    undone: list[Op] = []
    for step in list(steps(plan, inventory)):
        inverse = step.op.inverse(*step.specs)
        if inverse is None:
            raise UsageError(
                f"step {step.number} ({step.op.verb} {step.op.key}) cannot be undone",
                hint="Keep the checkpoint that it was made of.",
            )
        undone.insert(0, inverse)
    return Plan(plan.checkpoint, tuple(undone))


def carried_out(plan: Plan, inventory: Inventory) -> Inventory:
    """The checkpoint as a plan would leave it.

    Raises:
        UsageError: see `derive`.
    """
    derived = derive(plan, inventory)
    entries = {key: _entry(key, item, inventory) for key, item in sorted(derived.items())}
    return replace(inventory, entries=entries, planned=bool(plan.ops))


def _entry(key: str, item: Derived, inventory: Inventory) -> Entry:
    origin = item.origin
    if origin is None:
        return Entry(key, item.spec, item.op.slices(item.spec.shape) if item.op else ())
    entry = inventory.entries[origin.source]
    return replace(entry, key=key, spec=item.spec, slices=entry.slices if item.op is None else ())


def concat(checkpoint: str, parts: Sequence[Plan]) -> Plan:
    """One plan from several, run one after another."""
    return Plan(
        checkpoint,
        tuple(op for part in parts for op in part.ops),
        tuple(note for part in parts for note in part.notes),
    )
