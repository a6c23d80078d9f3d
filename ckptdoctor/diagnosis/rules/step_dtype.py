"""step-dtype: the step counter is int32 on one side and int64 on the other.

## What it does
Finds a step counter with another integer type.

## Why is this bad
TensorFlow reports it as a damaged file: `stored size 4; expected size 8`.

## Example
`global_step`: `lhs int64 [] vs rhs int32 []`.

## Fix safety
Safe from int32 to int64; the other way unsafe, though a count of steps fits.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.ops import Cast

RULE = Rule("CKD302", "step-dtype", "error")

FIRES = (Example("global_step [] int64\nw [2]", "global_step [] int32\nw [2]"),)
SILENT = (Example("ids [4] int64\nw [2]", "ids [4] int32\nw [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each step counter."""
    for pair in case.mismatched:
        state = training_state(pair.variable.key)
        declared, stored = pair.variable.spec.dtype, pair.entry.spec.dtype
        if state and state.kind == "step" and pair.same_shape and {declared.name, stored.name} == {"int32", "int64"}:
            safe = declared.name == "int64"
            command = case.convert_command(*([] if safe else ["--unsafe"]))
            cast = Remedy(
                "cast the stored step", "safe" if safe else "unsafe", command, (Cast(pair.entry.key, declared),)
            )
            evidence = ["TensorFlow says `stored size 4; expected size 8` of this: a type, not a damaged file."]
            yield about_pairs(
                RULE,
                f"the graph counts steps in {declared}, the checkpoint in {stored}.",
                "certain",
                [pair],
                evidence,
                (cast,),
            )
