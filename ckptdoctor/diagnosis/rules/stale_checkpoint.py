"""stale-checkpoint: a training run's own checkpoint, where a pretrained one may have been meant.

## What it does
Says so when shapes differ or variables are missing, and the checkpoint has an optimizer's slots and a step counter.

## Why is this bad
`Estimator` and `slim.learning.train` restore whatever lies in the output directory. A run with other settings left its
own checkpoint there, and the pretrained file is never opened.

## Example
`model_dir` holds `model.ckpt-1200` of last week's run with 5 classes; today's has 7.

## Fix safety
Display only: point the output directory elsewhere, or start from the pretrained file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import changes
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD506", "stale-checkpoint", "info")

FIRES = (
    Example(
        "a/w [2,3]\nlogits/w [3,7]",
        "a/w [2,3]\nlogits/w [3,5]\na/w/Adam [2,3]\nlogits/w/Adam [3,5]\nglobal_step [] int64",
    ),
)
SILENT = (Example("a/w [2,3]", "a/w [2,3]\na/w/Adam [2,3]\nglobal_step [] int64"),)

_RUN = re.compile(r"-\d+$")


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding; it explains nothing away."""
    alignment = case.alignment
    network = [item for item in alignment.missing if training_state(item.key) is None]
    # A convolution where a matrix is wanted is no sign of another run; another size is.
    if not (network or any(changes(pair) for pair in alignment.mismatched)):
        return
    states = [state for key in alignment.inventory.variables if (state := training_state(key))]
    slots = [state for state in states if state.kind == "slot"]
    steps = [state for state in states if state.kind == "step"]
    if not (slots and steps):
        return
    evidence = [f"{len(slots)} optimizer slots and a step counter are in it; a published checkpoint has neither."]
    name = Path(case.checkpoint).name
    if _RUN.search(name):
        evidence.append(f"{name} carries the number of a step.")
    finding = about_names(
        RULE,
        "this is a training run's own checkpoint. If a pretrained one was meant, another file was restored.",
        "possible",
        (),
        [next(iter(alignment.inventory.variables.values()))],
        evidence,
        (Remedy("point model_dir (train_dir) to an empty directory", "display-only"),),
    )
    yield Diagnostic(
        finding.rule,
        finding.message,
        finding.confidence,
        "",
        name,
        None,
        None,
        finding.evidence,
        None,
        finding.remedies,
    )
