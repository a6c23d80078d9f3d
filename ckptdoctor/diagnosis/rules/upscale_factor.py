"""upscale-factor: a super-resolution network for another scale.

## What it does
Finds a last convolution whose outputs are the square of a scale, times one or three channels, on both sides: what a
sub-pixel layer (`depth_to_space`) rearranges into a larger image.

## Why is this bad
Only the last layer and its bias differ, and it is no classifier: the number to set is the scale.

## Example
ESPCN for 2x and for 3x: `lhs [3,3,32,4] vs rhs [3,3,32,9]`.

## Fix safety
Display only: build the graph for the scale of training, or take the checkpoint of this scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, only_change
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.parameters import keyword
from ckptdoctor.diagnosis.restoring import advise
from ckptdoctor.libraries.name import scope_of
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD215", "upscale-factor", "error")

FIRES = (
    Example(
        "filter [5,5,1,64]\nfilter_1 [3,3,64,4]\nVariable_1 [4]",
        "filter [5,5,1,64]\nfilter_1 [3,3,64,9]\nVariable_1 [9]",
    ),
)
SILENT = (
    Example("a/w [3,3,1,8]\nlogits/w [1,1,8,4]", "a/w [3,3,1,8]\nlogits/w [1,1,8,9]"),
    Example("a/w [3,3,1,8]\nlogits/w [3,3,8,5]", "a/w [3,3,1,8]\nlogits/w [3,3,8,7]"),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding, at the last convolution."""
    kernels = [
        item.name
        for item in case.alignment.graph.variables
        if len(item.spec.shape) > 1 and not training_state(item.key)
    ]
    for pair in case.mismatched:
        change = only_change(pair)
        shape = pair.variable.spec.shape
        if not change or len(shape) != 4 or not change.last or max(shape[:2]) == 1 or pair.variable.name != kernels[-1]:
            continue
        for channels in (1, 3):
            scales = _scale(change.lhs, channels), _scale(change.rhs, channels)
            if all(scales):
                yield _diagnose(case, change, channels, *scales)
                return


def _scale(outputs: int, channels: int) -> int:
    """The scale r of channels·r² outputs; 0 if there is none above one."""
    side = isqrt(outputs // channels)
    return side if side > 1 and side * side * channels == outputs else 0


def _diagnose(case: Case, change: Change, channels: int, lhs: int, rhs: int) -> Diagnostic:
    bias = [
        pair
        for pair in case.mismatched
        if (pair.variable.spec.shape, pair.entry.spec.shape) == ((change.lhs,), (change.rhs,))
        and not training_state(pair.variable.key)
    ]
    times = "" if channels == 1 else f"{channels} x "
    repair = Remedy(f"build the graph for scale {rhs}", "display-only", keyword(case, "scale|factor|ratio", {lhs: rhs}))
    return about_pairs(
        RULE,
        f"the checkpoint enlarges {rhs} times, the graph {lhs} times.",
        "certain" if bias else "likely",
        [change.pair, *bias],
        [
            f"{change.lhs} = {times}{lhs}² and {change.rhs} = {times}{rhs}² outputs of the last convolution: a sub-pixel layer."
        ],
        advise(case, scope_of(change.pair.variable.name), (repair,)),
    )
