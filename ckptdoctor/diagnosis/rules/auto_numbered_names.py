"""auto-numbered-names: TensorFlow or Keras gave the layers other numbers.

## What it does
Finds layers whose names were numbered as they were made (`conv2d_39`, `Variable_3`, `dense_1`) and whose numbers are
shifted in the checkpoint, or belong to other layers there: the shapes contradict equal names.

## Why is this bad
The numbers count what one process made before. Another order, or a second model in the same process, changes them all;
where a shape happens to fit, the restore even puts a value into the wrong layer.

## Example
`conv2d_13/kernel` in the graph is `conv2d/kernel` in the checkpoint, and so on for all thirteen.

## Fix safety
Safe where all numbers are shifted alike or a layer is the only one of its shape. Layers of equal shapes whose numbers
tell nothing are left alone: see ambiguous-names.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.renames import report_renamings

RULE = Rule("CKD104", "auto-numbered-names", "error")

FIRES = (
    Example(
        "conv2d_5/kernel [3,3,3,8]\nconv2d_6/kernel [3,3,8,8]\nconv2d_7/kernel [3,3,8,4]",
        "conv2d/kernel [3,3,3,8]\nconv2d_1/kernel [3,3,8,8]\nconv2d_2/kernel [3,3,8,4]",
    ),
    Example("Variable [3,4]\nVariable_1 [4,5]", "Variable [4,5]\nVariable_1 [3,4]"),
)
SILENT = (Example("dense/kernel [4,8]\ndense_1/kernel [8,5]", "dense/kernel [4,8]\ndense_1/kernel [8,9]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each family of numbered layers."""
    message = "the layers were numbered anew: the graph's {lhs} is the checkpoint's {rhs}."
    yield from report_renamings(case, RULE, ("numbering",), message)
