"""input-size: a flatten makes another number of rows, because the input has another size.

## What it does
Finds a dense layer behind a flatten whose rows are the same channels over another number of positions, and says for
which map, and where the stride is known for which resolution, each side was built.

## Why is this bad
A convolution takes any size, a dense layer one: everything up to the flatten fits, and this layer does not.

## Example
`lhs [8192,64] vs rhs [25088,64]` over 512 channels: a 4x4 map where 7x7 was trained, 128 pixels instead of 224.

## Fix safety
Display only: use the resolution of training, or train this layer anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.flattened import flattened_change, show_map
from ckptdoctor.diagnosis.parameters import keyword
from ckptdoctor.diagnosis.restoring import advise
from ckptdoctor.libraries.name import scope_of

RULE = Rule("CKD208", "input-size", "error")

FIRES = (
    Example(
        "n/conv/w [3,3,3,512] Conv2D input [?,128,128,3]\nn/fc/w [8192,64] MatMul input [?,8192] flattened [?,4,4,512]\n"
        "n/o/w [64,9]",
        "n/conv/w [3,3,3,512]\nn/fc/w [25088,64]\nn/o/w [64,9]",
    ),
)
SILENT = (
    Example(
        "n/conv/w [3,3,3,512]\nn/fc/w [512,64] MatMul input [?,512]\nn/o/w [64,9]",
        "n/conv/w [3,3,3,512]\nn/fc/w [300,64]\nn/o/w [64,9]",
    ),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each matrix with another number of rows over the same channels."""
    for pair in case.mismatched:
        flattened = flattened_change(case, pair)
        if flattened is None:
            continue
        change, channels = flattened
        if channels not in (change.lhs, change.rhs):
            yield _diagnose(case, change, channels)


def _diagnose(case: Case, change: Change, channels: int) -> Diagnostic:
    graph, stored = change.lhs // channels, change.rhs // channels
    evidence = [
        f"{change.lhs} = {show_map(graph)} x {channels} and {change.rhs} = {show_map(stored)} x {channels} rows."
    ]
    repair = Remedy("use the input size of training", "display-only")
    sizes = _resolutions(case, graph, stored)
    if sizes:
        evidence.append(f"The graph takes {sizes[0]} pixels, so the checkpoint's network took {sizes[1]}.")
        setting = keyword(case, "size|resolution|height|width|side|image", {sizes[3]: sizes[2]})
        repair = Remedy(f"use the resolution of training, {sizes[1]}", "display-only", setting)
    scope = scope_of(change.pair.variable.name)
    seen = bool(change.pair.variable.consumer and change.pair.variable.consumer.flattened)
    return about_pairs(
        RULE,
        f"the graph flattens a map of {show_map(graph)}, the checkpoint's network one of {show_map(stored)}.",
        "certain" if seen else "likely",
        [change.pair],
        evidence,
        advise(case, scope, (repair,)),
    )


def _resolutions(case: Case, graph: int, stored: int) -> tuple[str, str, int, int] | None:
    """The graph's resolution, that of training as a range, its likeliest value, and the graph's; None if not known."""
    first = next(
        (item.consumer for item in case.alignment.graph.variables if item.consumer and "Conv" in item.consumer.op), None
    )
    sides = isqrt(graph), isqrt(stored)
    if first is None or first.input_shape is None or len(first.input_shape) != 4:
        return None
    height, width = first.input_shape[2:] if first.data_format == "NCHW" else first.input_shape[1:3]
    if height != width or height <= 0 or sides[0] ** 2 != graph or sides[1] ** 2 != stored:
        return None
    stride = -(-height // sides[0])
    # A side of n positions at stride s comes from up to s different resolutions.
    low, high = stride * (sides[1] - 1) + 1, stride * (sides[1] + 1) - 1
    return f"{height}x{height}", f"about {stride * sides[1]} (between {low} and {high})", stride * sides[1], height
