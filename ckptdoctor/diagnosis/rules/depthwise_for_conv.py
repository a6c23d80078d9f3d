"""depthwise-for-conv: a depthwise kernel on one side, a convolution over one channel on the other.

## What it does
Finds `[kh,kw,channels,1]` against `[kh,kw,1,channels]`.

## Why is this bad
The restore fails; reshaping without a transpose would be right only because one of the sizes is 1.

## Example
`lhs [3,3,32,1] vs rhs [3,3,1,32]`.

## Fix safety
Safe: with a multiplier of one the two hold the same numbers in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.ops import Reshape

RULE = Rule("CKD210", "depthwise-for-conv", "error")

FIRES = (
    Example("net/dw/depthwise_weights [3,3,32,1]\nnet/o/w [2,2]", "net/dw/depthwise_weights [3,3,1,32]\nnet/o/w [2,2]"),
)
SILENT = (Example("net/c/weights [3,3,32,2]\nnet/o/w [2,2]", "net/c/weights [3,3,2,32]\nnet/o/w [2,2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """One finding for all such kernels."""
    pairs = []
    for pair in case.mismatched:
        lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
        if len(lhs) == 4 and lhs != rhs and rhs == (*lhs[:2], lhs[3], lhs[2]) and 1 in lhs[2:]:
            pairs.append(pair)
    if pairs:
        ops = tuple(Reshape(pair.entry.key, pair.variable.spec.shape) for pair in pairs)
        remedy = Remedy("write a checkpoint that fits: the bytes stay as they are", "safe", case.convert_command(), ops)
        evidence = ["One filter for each channel: [kh,kw,channels,1] and [kh,kw,1,channels] are the same numbers."]
        message = "a depthwise convolution on one side is a convolution over one channel on the other."
        yield about_pairs(RULE, message, "certain", pairs, evidence, (remedy,))
