"""width-multiplier: every layer is wider or narrower by one factor.

## What it does
Finds a convolutional network in which all sizes that differ do so by the same factor, up to rounding to multiples of
eight.

## Why is this bad
Nearly every restore fails, and each failure looks like its own.

## Example
MobileNet 1.0 restored into MobileNet 0.5: `lhs [3,3,3,16] vs rhs [3,3,3,32]`, `lhs [1,1,16,32] vs rhs [1,1,32,64]`, ...

## Fix safety
Display only: set the multiplier of training.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from statistics import median

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import changes
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD211", "width-multiplier", "error")

FIRES = (
    Example(
        "m/c0/w [3,3,3,16]\nm/c1/w [1,1,16,32]\nm/c2/w [1,1,32,64]\nm/c3/w [1,1,64,64]\nm/o/w [64,10]",
        "m/c0/w [3,3,3,32]\nm/c1/w [1,1,32,64]\nm/c2/w [1,1,64,128]\nm/c3/w [1,1,128,128]\nm/o/w [128,10]",
    ),
)
SILENT = (
    Example(
        "m/c0/w [3,3,3,16]\nm/c1/w [1,1,16,32]\nm/c2/w [1,1,32,64]\nm/o/w [64,10]",
        "m/c0/w [3,3,3,16]\nm/c1/w [1,1,16,48]\nm/c2/w [1,1,48,64]\nm/o/w [64,10]",
    ),
)

_FEWEST, _ROUNDING = 4, 8


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding, which explains every layer."""
    network = [pair for pair in case.mismatched if training_state(pair.variable.key) is None]
    changes_of = {pair.entry.key: changes(pair) for pair in network}
    sizes = {(change.lhs, change.rhs) for items in changes_of.values() for change in items}
    convolutions = sum(len(pair.variable.spec.shape) == 4 for pair in network)
    if len(network) < _FEWEST or convolutions < 2 or len(sizes) < 2:
        return
    factor = median(b / a for a, b in sizes)
    if factor == 1 or factor <= 0:
        return
    pairs = [
        pair
        for pair in network
        if changes_of[pair.entry.key]
        and all(_is_scaled(item.lhs, item.rhs, factor) for item in changes_of[pair.entry.key])
    ]
    if len(pairs) < _FEWEST or len(pairs) < 0.8 * len(network):
        return
    ratio = Fraction(factor).limit_denominator(16)
    examples = ", ".join(f"{a} and {b}" for a, b in sorted(sizes)[:4])
    yield about_pairs(
        RULE,
        f"every width of the checkpoint is {float(ratio):g} times the graph's.",
        "certain" if all(Fraction(b, a) == ratio for a, b in sizes) else "likely",
        pairs,
        [f"Sizes that differ: {examples}; always {float(ratio):g} times, up to multiples of {_ROUNDING}."],
        (Remedy("set the depth multiplier (alpha, width multiplier) of training", "display-only"),),
    )


def _is_scaled(lhs: int, rhs: int, factor: float) -> bool:
    return abs(rhs - lhs * factor) <= (0 if rhs % _ROUNDING or lhs % _ROUNDING else _ROUNDING)
