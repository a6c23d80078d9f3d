"""shape-mismatch: the shapes differ, and no more particular rule knows why.

## What it does
Reports what is left: which dimensions differ, and whether the number of elements does.

## Why is this bad
The restore fails; with resource variables it leaves a value of the wrong shape, and a smaller one may be broadcast.

## Example
`lhs [512] vs rhs [256]`.

## Fix safety
Where both sides hold as many elements a reshape is possible but unproved: unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.restoring import leave_out
from ckptdoctor.ops import Reshape

RULE = Rule("CKD290", "shape-mismatch", "error")

FIRES = (Example("n/a/w [7]\nn/o/w [2,2]", "n/a/w [9]\nn/o/w [2,2]"),)
SILENT = (Example("n/a/w [7]", "n/a/w [7]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each pair whose shapes differ."""
    for pair in case.mismatched:
        if not pair.same_shape:
            yield _diagnose(case, pair)


def _diagnose(case: Case, pair: Pair) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    lhs, rhs = variable.spec, entry.spec
    evidence = []
    if len(lhs.shape) == len(rhs.shape):
        differing = [
            f"dimension {i}: {a} and {b}" for i, (a, b) in enumerate(zip(lhs.shape, rhs.shape, strict=True)) if a != b
        ]
        evidence.append("They differ in " + ", ".join(differing) + ".")
    else:
        evidence.append(f"They have {len(lhs.shape)} and {len(rhs.shape)} dimensions.")
    remedies: list[Remedy] = []
    if lhs.elements == rhs.elements:
        evidence.append(f"Both have {lhs.elements:,} elements, but nothing shows that their order is the same.")
        ops = (Reshape(entry.key, lhs.shape),)
        remedies.append(Remedy("reshape it anyway", "unsafe", case.convert_command("--unsafe"), ops))
    else:
        evidence.append(f"They have {lhs.elements:,} and {rhs.elements:,} elements, so no reshape can help.")
    if not variable.resource and case.alignment.graph.has_saver:
        evidence.append("A reference variable: TensorFlow raises InvalidArgumentError on Assign.")
    remedies += leave_out(case, variable.name)
    return Diagnostic(
        RULE,
        "the graph and the checkpoint disagree about this variable's shape.",
        "certain",
        variable.name,
        entry.key,
        lhs,
        rhs,
        tuple(evidence),
        variable.location,
        tuple(remedies),
        frozenset({entry.key}) if pair.same_dtype else frozenset(),
    )
