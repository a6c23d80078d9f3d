"""class-count: the last layers were trained for another number of classes.

## What it does
Finds layers whose kernel, and bias if they have one, differ in the number of outputs only, and that are the network's
last or named as classifiers. Heads whose numbers are in the same proportion (`81` and `21` classes, `324` and `84`
coordinates) are one finding, with the arithmetic: classes, a background class, four coordinates a class, YOLO's
anchors x (classes + 5).

## Why is this bad
The restore fails, and everything else in the checkpoint is good.

## Example
`lhs [1,1,4096,10] vs rhs [1,1,4096,1000]`: ImageNet's 1000 classes where the graph has 10.

## Fix safety
Display only: to fine-tune, the layer is left out and trained anew; to infer, the graph takes the stored count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, only_change
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.outputs import is_yolo, read_outputs
from ckptdoctor.diagnosis.parameters import keyword
from ckptdoctor.diagnosis.restoring import advise
from ckptdoctor.libraries.name import scope_of
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD204", "class-count", "error")

FIRES = (
    Example(
        "net/conv/weights [3,3,3,8]\nnet/logits/weights [8,10]\nnet/logits/biases [10]",
        "net/conv/weights [3,3,3,8]\nnet/logits/weights [8,1000]\nnet/logits/biases [1000]",
    ),
    Example(
        "net/cls_score/weights [64,81]\nnet/bbox_pred/weights [64,324]",
        "net/cls_score/weights [64,21]\nnet/bbox_pred/weights [64,84]",
    ),
    Example("yolo/detect_1/weights [1,1,1024,255]", "yolo/detect_1/weights [1,1,1024,75]"),
)
SILENT = (
    Example(
        "net/fc/weights [8,16]\nnet/fc/biases [16]\nnet/logits/weights [16,10]",
        "net/fc/weights [8,32]\nnet/fc/biases [32]\nnet/logits/weights [32,10]",
    ),
)

_CLASSIFIER = re.compile(
    r"logits|fc8|predict|classif|softmax|class|cls|head|output|final|score|bbox|box|conf|detect", re.IGNORECASE
)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for all heads whose numbers of outputs are in one proportion."""
    kernels = [
        variable
        for variable in case.alignment.graph.variables
        if len(variable.spec.shape) >= 2 and not training_state(variable.key)
    ]
    last = scope_of(kernels[-1].name) if kernels else ""
    groups: dict[Fraction, list[Change]] = {}
    for pair in case.mismatched:
        change = _outputs(only_change(pair))
        scope = scope_of(pair.variable.name)
        if change and not training_state(pair.variable.key) and (scope == last or _CLASSIFIER.search(_end(scope))):
            groups.setdefault(Fraction(change.lhs, change.rhs), []).append(change)
    for group in groups.values():
        _add_bias(case, group)
        # A bias alone is no head: its kernel differs otherwise, and that tells more.
        if any(len(change.pair.variable.spec.shape) > 1 for change in group):
            yield _diagnose(case, group, last)


def _add_bias(case: Case, group: list[Change]) -> None:
    """Adds the one vector that has a kernel's two sizes, where its name does not tell whose bias it is."""
    sizes = {(change.lhs, change.rhs) for change in group if len(change.pair.variable.spec.shape) > 1}
    if any(len(change.pair.variable.spec.shape) == 1 for change in group):
        return
    vectors = [
        change
        for pair in case.mismatched
        if len(pair.variable.spec.shape) == 1 and not training_state(pair.variable.key)
        if (change := only_change(pair)) and (change.lhs, change.rhs) in sizes
    ]
    if len(vectors) == 1:
        group += vectors


def _end(scope: str) -> str:
    return "/".join(scope.split("/")[-2:])


def _outputs(change: Change | None) -> Change | None:
    """A change in the number of outputs; BERT keeps its output weights as [classes,hidden]."""
    if change and (change.last or "output_weights" in change.pair.variable.name):
        return change
    return None


def _diagnose(case: Case, group: list[Change], last: str) -> Diagnostic:
    kernels = [change for change in group if len(change.pair.variable.spec.shape) > 1]
    first = min(kernels, key=lambda change: change.lhs)
    yolo = len(first.pair.variable.spec.shape) == 4 and is_yolo(first.lhs, first.rhs)
    evidence = []
    for change in {(change.lhs, change.rhs): change for change in kernels}.values():
        quadruple = (change.lhs, change.rhs) == (4 * first.lhs, 4 * first.rhs)
        boxes = quadruple or (bool(re.search("bbox|box", change.pair.variable.name)) and change.lhs % 4 == 0)
        lhs, rhs = (read_outputs(count, boxes=boxes, yolo=yolo) for count in (change.lhs, change.rhs))
        evidence.append(f"{scope_of(change.pair.variable.name)}: {lhs} in the graph, {rhs} in the checkpoint.")
    if abs(first.lhs - first.rhs) == 1:
        known = (
            " 1001 is ImageNet's 1000 classes and a background class." if {first.lhs, first.rhs} == {1000, 1001} else ""
        )
        evidence.append(f"They differ by one: a background class that is counted on one side only?{known}")
    scopes = list(dict.fromkeys(scope_of(change.pair.variable.name) for change in kernels))
    is_last = last in scopes
    if is_last:
        evidence.append("All but the number of outputs agrees, and it is the last layer that the graph makes.")
    else:
        evidence.append("All but the number of outputs agrees.")
    declared, value = (count // 3 - 5 if yolo else count for count in (first.lhs, first.rhs))
    # A graph may add a background class of its own.
    setting = keyword(case, "class|label|categor", {declared - 1: value - 1, declared: value})
    keep = Remedy(f"build the graph for {value} classes, to use the stored classifier", "display-only", setting)
    biased = len(group) > len(kernels)
    return about_pairs(
        RULE,
        f"the checkpoint's last layer has {first.rhs} outputs, the graph's has {first.lhs}.",
        "certain" if (is_last and biased) or len(scopes) > 1 else "likely",
        [first.pair, *(change.pair for change in group if change is not first)],
        evidence,
        advise(case, scopes[0], (keep,)),
    )
