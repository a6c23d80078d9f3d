"""matched-by-shape: the names have nothing in common, but the shapes join the layers.

## What it does
Joins layers of one architecture whose names do not correspond: by shapes that occur once on either side, by the same
shapes in the same order, or because one layer is left over on either side.

## Why is this bad
A restore by name finds nothing.

## Example
`weight_cl1 [5,5,1,6]` in the graph, `Variable [5,5,1,6]` in the checkpoint.

## Fix safety
Safe for several layers whose shapes occur once. Unsafe where only the order speaks for it: look at the pairs in
`--format json`, decide with `--map` or `--rename`, and let `ckptdoctor verify --same-as` compare the outputs.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.renames import report_renamings

RULE = Rule("CKD106", "matched-by-shape", "error")

FIRES = (
    Example(
        "weight_cl1 [5,5,1,6]\nweight_cl2 [5,5,6,16]\nout [16,4]",
        "Variable [5,5,1,6]\nVariable_1 [5,5,6,16]\nVariable_2 [16,4]",
    ),
)
SILENT = (Example("head/w [4,8]\nbody/w [3,4]", "other/w [4,9]\nbody/w [3,4]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each reason to join layers."""
    message = "the names differ altogether; the shapes join {count} variables."
    yield from report_renamings(case, RULE, ("shape", "order", "elimination"), message)
