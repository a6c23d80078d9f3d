"""quantized-weights: the checkpoint's weights are quantized, and the graph's are not.

## What it does
Finds weights stored as integers of a byte or less for variables of a floating type, with the scale that lies beside them.

## Why is this bad
An integer is a number of steps, not the weight. Cast to a floating type it is off by the scale, by orders of magnitude, and
nothing is raised.

## Example
`kernel` as `int8` with `kernel_scale` beside it, as Keras's `model.quantize("int8")` leaves them, for a `float32` kernel.

## Fix safety
No cast is safe. Dequantize each weight with its scale, or quantize the model before it loads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.specs.dtype import DType
from ckptdoctor.specs.inventory import Entry

RULE = Rule("CKD303", "quantized-weights", "error")

FIRES = (
    Example("a/kernel [4,3]\na/bias [3]", "a/kernel [4,3] int8\na/kernel_scale [3]\na/bias [3]"),
    Example("a/kernel [4,3]", "a/kernel [4,3] int8"),
)
SILENT = (Example("a/kernel [4,3]", "a/kernel [4,3] float16"), Example("step [] int64", "step [] int32"))

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def is_quantized(stored: DType, declared: DType) -> bool:
    """Whether values of one type are steps of a quantization rather than values of the other."""
    return declared.name in _FLOATS and stored.name.lstrip("u") in ("int8", "int4", "int2")


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    pairs = [pair for pair in case.mismatched if is_quantized(pair.entry.spec.dtype, pair.variable.spec.dtype)]
    if not pairs:
        return
    scale_of = {pair.entry.key: _scale(case, pair) for pair in pairs}
    scales = [scale for scale in scale_of.values() if scale is not None]
    first = pairs[0]
    dtype = first.entry.spec.dtype
    beside = f"its scale beside it is {scales[0].key}" if scales else "no scale lies beside it"
    finding = about_pairs(
        RULE,
        f"the checkpoint's weights are quantized to {dtype}: dequantize each with its scale.",
        "certain" if scales else "likely",
        pairs,
        [f"{first.entry.key} holds steps of {dtype}; {beside}.", "A cast would be off by the scale."],
        (
            Remedy(
                "load it into a model that is quantized in the same way, as by model.quantize('int8')", "display-only"
            ),
            Remedy("or dequantize the weights with their scales first", "display-only"),
        ),
    )
    if scales:
        keys = [scale.key for scale in scales]
        evidence = (*finding.evidence, f"Scales: {listed(keys)}.")
        yield replace(finding, evidence=evidence, covers=finding.covers.union(keys))
    else:
        yield finding


def _scale(case: Case, pair: Pair) -> Entry | None:
    """The floating values beside a quantized weight that are one for each of its outputs, or each of its groups."""
    scope, shape = pair.entry.key.rpartition("/")[0], pair.entry.spec.shape
    candidates = [
        entry
        for entry in case.alignment.unexpected
        if entry.key.rpartition("/")[0] == scope
        and entry.spec.dtype.name in _FLOATS
        and 0 < entry.spec.elements < max(2, pair.entry.spec.elements)
    ]
    fitting = [entry for entry in candidates if not entry.spec.shape or entry.spec.shape[-1] in (*shape, 1)]
    return next(iter(sorted(fitting, key=lambda entry: "scale" not in entry.key)), None)
