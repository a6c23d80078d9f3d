"""partitioned-variable: a variable is in parts on one side and whole on the other.

## What it does
Finds `table/part_0`, `table/part_1`, … against `table`, and compares the sum of the parts with the whole.

## Why is this bad
The parts are no keys of a checkpoint that a partitioned variable was saved to: there the whole has one key, and slices.
They become keys where each part is saved as a variable of its own.

## Example
`embeddings/part_0 [500,16]` and `embeddings/part_1 [500,16]` in the graph, `embeddings [1000,16]` in the checkpoint.

## Fix safety
Safe where the parts are the whole along one axis, in the order of their numbers; else display only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.ops import Concat, Op, Slice
from ckptdoctor.specs.tensor import TensorSpec, show_shape

RULE = Rule("CKD111", "partitioned-variable", "error")

FIRES = (
    Example("t/part_0 [500,16]\nt/part_1 [500,16]\nw [2]", "t [1000,16]\nw [2]"),
    Example("t [1000,16]\nw [2]", "t/part_0 [600,16]\nt/part_1 [400,16]\nw [2]"),
)
SILENT = (Example("t/part_0 [500,16]\nt/part_1 [500,16]", "t/part_0 [500,16]\nt/part_1 [500,16]"),)

_PART = re.compile(r"(?P<whole>.+)/part_(?P<number>\d+)(/(?:weights|kernel|bias|biases))?$")


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each variable that is in parts on one side."""
    missing = {variable.key: variable.spec for variable in case.missing}
    unexpected = {entry.key: entry.spec for entry in case.unexpected}
    for parts, wholes, graph in ((missing, unexpected, True), (unexpected, missing, False)):
        for whole, keys in _parted(parts).items():
            if whole in wholes:
                yield _diagnose(case, whole, keys, parts, wholes, graph=graph)


def _parted(specs: Mapping[str, TensorSpec]) -> dict[str, list[str]]:
    parts_of: dict[str, list[str]] = {}
    for key in specs:
        if match := _PART.fullmatch(key):
            parts_of.setdefault(match["whole"], []).append(key)
    return parts_of


def _diagnose(
    case: Case,
    whole: str,
    keys: list[str],
    parts: Mapping[str, TensorSpec],
    wholes: Mapping[str, TensorSpec],
    *,
    graph: bool,
) -> Diagnostic:
    together = sum(parts[key].elements for key in keys)
    complete = together == wholes[whole].elements
    shapes = " + ".join(show_shape(parts[key].shape) for key in keys[:4]) + (" + ..." if len(keys) > 4 else "")
    evidence = [
        f"{shapes}: {together:,} elements, {show_shape(wholes[whole].shape)}: {wholes[whole].elements:,}"
        + (", as many." if complete else ": not as many.")
    ]
    sides = ("graph", "checkpoint") if graph else ("checkpoint", "graph")
    names = {*keys, whole}
    return about_names(
        RULE,
        f"{whole} is in {len(keys)} parts in the {sides[0]} and whole in the {sides[1]}.",
        "certain" if complete else "likely",
        [variable for variable in case.missing if variable.key in names],
        [entry for entry in case.unexpected if entry.key in names],
        evidence,
        (
            *_convert(case, whole, keys, parts, wholes[whole], graph=graph),
            Remedy("or build the variable with the partitioner of training", "display-only"),
        ),
    )


def _convert(
    case: Case, whole: str, keys: list[str], parts: Mapping[str, TensorSpec], spec: TensorSpec, *, graph: bool
) -> tuple[Remedy, ...]:
    """The conversion that takes the whole apart, or puts the parts together, in the order of their numbers."""
    ordered = sorted(keys, key=_number)
    axis = _axis([parts[key] for key in ordered], spec)
    if axis is None or [_number(key) for key in ordered] != list(range(len(ordered))):
        return ()
    if graph:
        stops = list(accumulate(parts[key].shape[axis] for key in ordered))
        ops: tuple[Op, ...] = tuple(
            Slice(whole, axis, start, stop, key) for start, stop, key in zip([0, *stops], stops, ordered, strict=False)
        )
        title = "write a checkpoint with the parts that the graph has"
    else:
        ops = (Concat(tuple(ordered), axis, whole),)
        title = "write a checkpoint with the parts in one"
    return (Remedy(title, "safe", case.convert_command(), ops),)


def _number(key: str) -> int:
    match = _PART.fullmatch(key)
    return int(match["number"]) if match else 0


def _axis(parts: Sequence[TensorSpec], whole: TensorSpec) -> int | None:
    """The one axis along which these are parts of the whole; None if there is none."""
    if any(part.dtype != whole.dtype or len(part.shape) != len(whole.shape) for part in parts):
        return None
    for axis, size in enumerate(whole.shape):
        others = {part.shape[:axis] + part.shape[axis + 1 :] for part in parts}
        if others == {whole.shape[:axis] + whole.shape[axis + 1 :]} and sum(part.shape[axis] for part in parts) == size:
            return axis
    return None
