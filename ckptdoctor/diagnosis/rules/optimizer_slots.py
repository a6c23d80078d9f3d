"""optimizer-slots: an optimizer's own variables are on one side only.

## What it does
Recognises slot variables (`weights/Adam`, `weights/Momentum`, `adam_m`, `beta1_power`) that the graph wants and the
checkpoint lacks, or the other way round, and reports them together.

## Why is this bad
Missing ones make `Saver().restore` fail with `Key … not found in checkpoint`, though the network itself is complete.
Unexpected ones are harmless, and tell that the file is a training checkpoint.

## Example
A published, optimizer-free checkpoint restored into a training graph: `conv1/weights/Adam not found`.

## Fix safety
Display only: restore the network's variables and initialise the optimizer's.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.training_keys import report_training_keys

RULE = Rule("CKD501", "optimizer-slots", "warning")
UNEXPECTED = Rule("CKD501", "optimizer-slots", "info")

FIRES = (
    Example("a/w [2]\na/w/Adam [2]", "a/w [2]"),
    Example("a/w [2]", "a/w [2]\na/w/Momentum [2]"),
)
SILENT = (Example("a/w [2]\na/w/Adam [2]", "a/w [2]\na/w/Adam [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most two findings: slots that are missing, slots that are unexpected."""
    yield from report_training_keys(case, RULE, UNEXPECTED, "slot", "optimizer slot variable", "the optimizer")
