"""moving-averages: exponential moving averages are on one side only.

## What it does
Recognises shadow variables (`weights/ExponentialMovingAverage`) and reports them together.

## Why is this bad
Missing ones make a restore through `ema.variables_to_restore()` fail. Unexpected ones are harmless, but they are often
the better weights: evaluation scripts restore them in place of the raw ones.

## Example
`conv1/weights/ExponentialMovingAverage not found in checkpoint`.

## Fix safety
Display only: whether the averages are wanted is the user's decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.training_keys import report_training_keys

RULE = Rule("CKD502", "moving-averages", "warning")
UNEXPECTED = Rule("CKD502", "moving-averages", "info")

FIRES = (Example("a/w [2]", "a/w [2]\na/w/ExponentialMovingAverage [2]"),)
SILENT = (Example("a/w [2]", "a/w/ExponentialMovingAverage [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most two findings: averages that are missing, averages that are unexpected."""
    for finding in report_training_keys(case, RULE, UNEXPECTED, "moving average", "moving average", "the averages"):
        if finding.rule is UNEXPECTED:
            use = Remedy("let the averages take the variables' place", "display-only", case.convert_command("--ema"))
            yield replace(finding, remedies=(use,))
        else:
            yield finding
