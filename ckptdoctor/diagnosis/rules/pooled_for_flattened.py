"""pooled-for-flattened: one side pools the map to one position, the other flattens it.

## What it does
Finds a dense layer that has one row for each channel on one side, and one for each position and channel on the other.

## Why is this bad
Global average pooling and a flatten are two networks: everything before fits, and this layer does not.

## Example
`lhs [512,64] vs rhs [25088,64]` over 512 channels: pooled in the graph, a flattened 7x7 map in the checkpoint.

## Fix safety
Display only: flatten, or pool, as the network was trained.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.flattened import flattened_change, show_map
from ckptdoctor.diagnosis.restoring import advise
from ckptdoctor.libraries.name import scope_of

RULE = Rule("CKD214", "pooled-for-flattened", "error")

FIRES = (
    Example(
        "n/conv/w [3,3,3,512]\nn/fc/w [512,64] MatMul input [?,512]\nn/o/w [64,9]",
        "n/conv/w [3,3,3,512]\nn/fc/w [25088,64]\nn/o/w [64,9]",
    ),
)
SILENT = (
    Example(
        "n/conv/w [3,3,3,512]\nn/fc/w [8192,64] MatMul input [?,8192] flattened [?,4,4,512]\nn/o/w [64,9]",
        "n/conv/w [3,3,3,512]\nn/fc/w [25088,64]\nn/o/w [64,9]",
    ),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each matrix that has one position on one side."""
    for pair in case.mismatched:
        flattened = flattened_change(case, pair)
        if flattened is None:
            continue
        change, channels = flattened
        if channels in (change.lhs, change.rhs):
            yield _diagnose(case, change, channels)


def _diagnose(case: Case, change: Change, channels: int) -> Diagnostic:
    graph, stored = change.lhs // channels, change.rhs // channels
    if graph == 1:
        message = f"the graph pools the map to one position, the checkpoint's network flattens {show_map(stored)}."
        repair = Remedy(f"flatten a map of {show_map(stored)} before this layer", "display-only")
    else:
        message = f"the graph flattens {show_map(graph)}, the checkpoint's network pools the map to one position."
        repair = Remedy("pool before this layer", "display-only", Code.of("net = tf.reduce_mean(net, axis=[1, 2])"))
    evidence = [
        f"{change.lhs} = {graph} x {channels} and {change.rhs} = {stored} x {channels} rows: positions x channels."
    ]
    scope = scope_of(change.pair.variable.name)
    return about_pairs(RULE, message, "likely", [change.pair], evidence, advise(case, scope, (repair,)))
