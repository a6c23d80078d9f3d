"""global-step: the step counter is on one side only.

## What it does
Recognises `global_step` and its relatives.

## Why is this bad
A missing one makes `Saver().restore` fail though it counts steps and holds no weights. An unexpected one is harmless.

## Example
`Key global_step not found in checkpoint`.

## Fix safety
Display only: leave it out of the restore; it starts at 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.training_keys import report_training_keys

RULE = Rule("CKD503", "global-step", "warning")
UNEXPECTED = Rule("CKD503", "global-step", "info")

FIRES = (Example("a/w [2]\nglobal_step [] int64", "a/w [2]"),)
SILENT = (Example("a/w [2]\nglobal_step [] int64", "a/w [2]\nglobal_step [] int64"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most two findings: a step that is missing, a step that is unexpected."""
    yield from report_training_keys(case, RULE, UNEXPECTED, "step", "step counter", "the step counter")
