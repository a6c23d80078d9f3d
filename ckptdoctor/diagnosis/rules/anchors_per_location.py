"""anchors-per-location: the detector was trained with another number of anchors.

## What it does
Finds region-proposal or anchor layers whose outputs differ and are a multiple of two (object or not) or four (a box) on
both sides.

## Why is this bad
The restore fails on the proposal network, though the backbone fits.

## Example
`rpn_bbox_pred/biases`: `lhs [48] vs rhs [60]`: 12 anchors x 4 where 15 were trained.

## Fix safety
Display only: set the anchors (scales x ratios) of training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, only_change
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD205", "anchors-per-location", "error")

FIRES = (
    Example(
        "net/rpn_cls_score/weights [1,1,512,24]\nnet/rpn_bbox_pred/weights [1,1,512,48]\nnet/cls_score/weights [64,21]",
        "net/rpn_cls_score/weights [1,1,512,30]\nnet/rpn_bbox_pred/weights [1,1,512,60]\nnet/cls_score/weights [64,21]",
    ),
)
SILENT = (Example("net/cls_score/weights [64,24]", "net/cls_score/weights [64,30]"),)

_ANCHORED = re.compile(r"rpn|anchor", re.IGNORECASE)
_BOX = re.compile(r"bbox|box|loc|reg", re.IGNORECASE)


def check(case: Case) -> Iterator[Diagnostic]:
    """One finding for all proposal layers."""
    proposals = []
    for pair in case.mismatched:
        change = only_change(pair)
        if change and change.last and _ANCHORED.search(pair.variable.name) and not training_state(pair.variable.key):
            unit = _unit(change)
            if change.lhs % unit == change.rhs % unit == 0:
                proposals.append(change)
    if proposals:
        yield _diagnose(proposals)


def _unit(change: Change) -> int:
    return 4 if _BOX.search(change.pair.variable.name.replace("rpn", "")) else 2


def _diagnose(proposals: list[Change]) -> Diagnostic:
    evidence = []
    for change in {(change.lhs, change.rhs): change for change in proposals}.values():
        unit = _unit(change)
        evidence.append(
            f"{change.lhs} = {change.lhs // unit} anchors x {unit}, {change.rhs} = {change.rhs // unit} x {unit}."
        )
    first = proposals[0]
    stored, declared = first.rhs // _unit(first), first.lhs // _unit(first)
    repair = Remedy(f"configure {stored} anchors a location (scales x ratios)", "display-only")
    return about_pairs(
        RULE,
        f"the checkpoint was trained with {stored} anchors a location, the graph has {declared}.",
        "certain" if len(evidence) > 1 else "likely",
        [change.pair for change in proposals],
        evidence,
        (repair,),
    )
