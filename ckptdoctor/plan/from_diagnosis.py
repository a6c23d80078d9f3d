"""The plan that carries out a diagnosis's remedies."""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.plan.plan import Plan
from ckptdoctor.plan.slots import with_slots
from ckptdoctor.specs.ops import Op, Rename


def plan_from_diagnosis(diagnosis: Diagnosis, *, unsafe: bool = False) -> Plan:
    """The first applicable remedy of every finding: safe ones, and unsafe ones on request."""
    ops: list[Op] = []
    notes: list[str] = []
    for diagnostic in diagnosis.diagnostics:
        allowed = ("safe", "unsafe") if unsafe else ("safe",)
        remedies = [remedy for remedy in diagnostic.remedies if remedy.ops]
        chosen = next((remedy for remedy in remedies if remedy.safety in allowed), None)
        name = diagnostic.key or diagnostic.variable
        if chosen:
            ops += chosen.ops
        elif remedies:
            notes.append(f"{name}: {diagnostic.message} Its remedy is unsafe; --unsafe applies it.")
        elif diagnostic.rule.severity == "error":
            notes.append(f"{name}: {diagnostic.message} No conversion can help; see ckptdoctor diff.")
    # Every other operation names its key as the checkpoint has it, so renaming comes last.
    ops.sort(key=lambda op: isinstance(op, Rename))
    inventory = diagnosis.alignment.inventory
    return with_slots(Plan(inventory.source, tuple(ops), tuple(notes)), inventory)
