"""The plan that carries out a diagnosis's remedies."""

from __future__ import annotations

from collections.abc import Sequence, Set

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.conversion.renames import in_free_order, name_based
from ckptdoctor.conversion.slots import with_slots
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.quantization import holds_codes
from ckptdoctor.ops import Drop, Op, Rename


def applicable(diagnostic: Diagnostic) -> tuple[Remedy, ...]:
    """The remedies that a conversion carries out."""
    return tuple(remedy for remedy in diagnostic.remedies if remedy.ops)


def plan_from_diagnosis(diagnosis: Diagnosis, *, unsafe: bool = False, fresh_head: bool = False) -> Plan:
    """The first applicable remedy of every finding, ignored ones included: safe ones, and unsafe ones on request.

    What no conversion can help is noted, unless it will be given initial values.

    Raises:
        UsageError: the checkpoint holds a quantized kernel for one that is not.
    """
    _refuse_codes(diagnosis)
    chosen: list[Remedy] = []
    notes: list[str] = []
    for diagnostic in (*diagnosis.diagnostics, *diagnosis.ignored):
        remedies = applicable(diagnostic)
        allowed = [remedy for remedy in remedies if remedy.safety == "safe" or unsafe]
        name = diagnostic.key or diagnostic.variable
        if allowed:
            chosen.append(allowed[0])
        elif remedies:
            notes.append(f"{name}: {diagnostic.message} Its remedy is unsafe; --unsafe applies it.")
        elif diagnostic.rule.severity == "error" and not fresh_head:
            notes.append(f"{name}: {diagnostic.message} No conversion can help; see ckptdoctor diff.")
    plan = plan_of(diagnosis, chosen)
    return Plan(plan.checkpoint, plan.ops, (*notes, *plan.notes))


def unresolved(diagnosis: Diagnosis, *, unsafe: bool = False) -> tuple[Diagnostic, ...]:
    """The findings that a conversion does nothing about: no remedy carries any of them out, or only an unsafe one does.

    Harmless ones without a remedy are not among them.
    """
    return tuple(
        diagnostic
        for diagnostic in (*diagnosis.diagnostics, *diagnosis.ignored)
        if (applicable(diagnostic) or diagnostic.rule.severity == "error")
        and not any(remedy.safety == "safe" or unsafe for remedy in applicable(diagnostic))
    )


def _refuse_codes(diagnosis: Diagnosis) -> None:
    for pair in diagnosis.alignment.pairs:
        if holds_codes(pair.entry.spec, pair.variable.spec):
            raise UsageError(
                f"{pair.entry.key} holds {pair.entry.spec.dtype} codes of a quantized layer, and "
                f"{pair.variable.name} is {pair.variable.spec.dtype}: without its scale it would be loaded as nonsense",
                hint="Convert what was saved before model.quantize(…), or quantize the graph's model first.",
            )


def plan_of(diagnosis: Diagnosis, remedies: Sequence[Remedy]) -> Plan:
    """The plan that carries out these remedies."""
    # What the owner's reader finds by structure is no finding, and still has another name.
    ops: list[Op] = [
        Rename(pair.entry.key, pair.variable.key)
        for pair in diagnosis.alignment.pairs
        if pair.variable.key != pair.entry.key and not pair.renamed
    ]
    ops += [op for remedy in remedies for op in remedy.ops]
    ops += _renames_of_changed(diagnosis, remedies)
    inventory = diagnosis.alignment.inventory
    plan = with_slots(Plan(inventory.source, tuple(ops)), inventory)
    # Every other operation names its key as the checkpoint has it, so renaming comes last.
    renames = [op for op in plan.ops if isinstance(op, Rename)]
    others = [op for op in plan.ops if not isinstance(op, Rename)]
    left = inventory.entries.keys() - {op.key for op in others if isinstance(op, Drop)}
    # What the graph has no use for makes room for what it wants under that name.
    moving, wanted = {op.key for op in renames}, {op.to for op in renames}
    unused = {entry.key for entry in diagnosis.alignment.unexpected}
    replaced = sorted(unused & wanted & left - moving)
    others += map(Drop, replaced)
    left = left.difference(replaced)
    kept, blocked = _unblocked(renames, left)
    notes = tuple(
        f"{key}: it is left out, because what the graph has under that name is another tensor." for key in replaced
    )
    notes += tuple(f"{op.key}: it cannot become {op.to}, because that key stays what it is." for op in blocked)
    return Plan(inventory.source, name_based((*others, *in_free_order(kept, left)), inventory), notes)


def _renames_of_changed(diagnosis: Diagnosis, remedies: Sequence[Remedy]) -> list[Rename]:
    """The names of tensors that a remedy gives another shape or type: a finding has one cause, and no renames of others.

    Where a name is a guess, so must be what is asked for.
    """
    ops = [op for remedy in remedies for op in remedy.ops]
    changed = {op.key for op in ops} - {op.key for op in ops if isinstance(op, Rename | Drop)}
    guesses = any(remedy.safety == "unsafe" for remedy in remedies)
    return [
        Rename(pair.entry.key, pair.variable.key)
        for pair in diagnosis.alignment.pairs
        if pair.renamed and pair.entry.key in changed and pair.renaming and (pair.renaming.certain or guesses)
    ]


def _unblocked(renames: list[Rename], keys: Set[str]) -> tuple[list[Rename], list[Rename]]:
    """The renames that can be carried out, and those whose new key is one that stays."""
    kept, blocked = renames, list[Rename]()
    while True:
        moving = {op.key for op in kept}
        stuck = [op for op in kept if op.to in keys and op.to not in moving]
        if not stuck:
            return kept, blocked
        blocked += stuck
        kept = [op for op in kept if op.to not in keys or op.to in moving]
