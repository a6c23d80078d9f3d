"""class-count: the last layer was trained for another number of classes.

## What it does
Finds a layer whose kernel, and bias if it has one, differ in the number of outputs only, and that is the network's last
one or named as a classifier.

## Why is this bad
The restore fails, and everything else in the checkpoint is good.

## Example
`lhs [1,1,4096,10] vs rhs [1,1,4096,1000]`: ImageNet's 1000 classes where the graph has 10.

## Fix safety
Display only: either the graph takes the stored count, or the layer is left out and trained anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.alignment.alignment import Pair
from ckptdoctor.alignment.training_state import training_state
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.specs.tensor import Shape

RULE = Rule("CKD204", "class-count", "error")

_CLASSIFIER = re.compile(r"logits|fc8|predictions?|classif|softmax|class|cls|head|output|final", re.IGNORECASE)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each classifier with another number of outputs; it covers the layer's bias."""
    kernels = [
        variable
        for variable in case.alignment.graph.variables
        if len(variable.spec.shape) >= 2 and not training_state(variable.key)
    ]
    last = kernels[-1].name if kernels else ""
    for pair in case.mismatched:
        lhs, rhs = _inner(pair.variable.spec.shape), _inner(pair.entry.spec.shape)
        if len(lhs) < 2 or lhs[:-1] != rhs[:-1] or lhs[-1] == rhs[-1]:
            continue
        scope = pair.variable.name.rpartition("/")[0]
        named = bool(_CLASSIFIER.search(scope.rpartition("/")[2]))
        if not named and pair.variable.name != last:
            continue
        bias = [
            other.entry.key
            for other in case.mismatched
            if other.variable.name.rpartition("/")[0] == scope
            and (other.variable.spec.shape, other.entry.spec.shape) == (lhs[-1:], rhs[-1:])
        ]
        yield _diagnose(case, pair, bias, is_last=pair.variable.name == last)


def _inner(shape: Shape) -> Shape:
    """The shape without the two leading ones of a 1×1 kernel, so that it compares with a matrix."""
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape


def _diagnose(case: Case, pair: Pair, bias: list[str], *, is_last: bool) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    wanted, stored = variable.spec.shape[-1], entry.spec.shape[-1]
    evidence = [f"All but the number of outputs agrees: {wanted} in the graph, {stored} in the checkpoint."]
    if is_last:
        evidence.append("It is the last layer that the graph makes.")
    if bias:
        evidence.append(f"{bias[0]} differs in the same way.")
    if {wanted, stored} == {1000, 1001}:
        evidence.append("1001 is ImageNet's 1000 classes and a background class.")
    elif abs(wanted - stored) == 1:
        evidence.append("They differ by one: a background class counted on one side only?")
    scope = variable.name.rpartition("/")[0] or variable.name
    keep = Remedy(
        f"build the graph for {stored} classes, to use the stored classifier",
        "display-only",
        f"num_classes={stored}",
    )
    return Diagnostic(
        RULE,
        f"the checkpoint's last layer has {stored} outputs, the graph's has {wanted}.",
        "certain" if is_last and bias else "likely",
        variable.name,
        entry.key,
        variable.spec,
        entry.spec,
        tuple(evidence),
        variable.location,
        case.advise(scope, (keep,)),
        frozenset({entry.key, *bias}),
    )
