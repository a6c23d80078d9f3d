"""conv-for-dense: the checkpoint holds a convolution where the graph has a matrix.

## What it does
Finds a stored kernel `[kh,kw,in,out]` where the graph declares `[kh·kw·in,out]`.

## Why is this bad
With reference variables the restore fails (`Assign requires shapes of both tensors to match`); with resource variables
it succeeds and leaves a value of the wrong rank behind. slim's VGG and AlexNet keep their fully connected layers as
convolutions, so every dense rewrite of them meets this.

## Example
`lhs [4096,4096] vs rhs [1,1,4096,4096]`: the same 16,777,216 numbers in the same order.

## Fix safety
A 1×1 kernel is the matrix: safe. A k×k kernel equals it only if the graph flattens exactly that map in (height, width,
channel) order: safe where that was seen. Where the axes are seen in another order, a transpose comes first; then, and
where the flatten was not seen, the remedy is unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.flattened import keep_convolution
from ckptdoctor.diagnosis.left_out import restorable
from ckptdoctor.diagnosis.restoring import restores_by_name, saver_code, slim_code
from ckptdoctor.ops import Op, Reshape, Transpose
from ckptdoctor.specs.tensor import show_shape

RULE = Rule("CKD201", "conv-for-dense", "error")

FIRES = (
    Example("n/fc7/w [4096,64]\nn/o/w [64,9]", "n/fc7/w [1,1,4096,64]\nn/o/w [64,9]"),
    Example(
        "n/fc6/w [1568,64] MatMul input [?,1568] flattened [?,7,7,32] as HWC\nn/o/w [64,9]",
        "n/fc6/w [7,7,32,64]\nn/o/w [64,9]",
    ),
)
SILENT = (Example("n/fc6/w [32,64]\nn/o/w [64,9]", "n/fc6/w [7,7,32,64]\nn/o/w [64,9]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each stored convolution whose elements are those of a declared matrix."""
    for pair in case.mismatched:
        if _is_convolution(pair):
            yield _diagnose(case, pair)


def _is_convolution(pair: Pair) -> bool:
    lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
    return len(lhs) == 2 and len(rhs) == 4 and rhs[3] == lhs[1] and rhs[0] * rhs[1] * rhs[2] == lhs[0]


_KERNEL_AXES = "HWC"


def _order_of_flatten(pair: Pair) -> str:
    """The order in which the graph flattens exactly the kernel's map, such as `CHW`; empty if that was not seen."""
    use = pair.variable.consumer
    if use is None or use.flattened is None or sorted(use.flattened_axes) != sorted(_KERNEL_AXES):
        return ""
    sizes = dict(zip(_KERNEL_AXES, pair.entry.spec.shape, strict=False))
    return use.flattened_axes if use.flattened[1:] == tuple(sizes[axis] for axis in use.flattened_axes) else ""


def _seen(pair: Pair, order: str) -> list[str]:
    """What the graph shows of the flatten, a sentence each."""
    use = pair.variable.consumer
    kh, kw, channels, _ = pair.entry.spec.shape
    if use is None or use.flattened is None:
        return [
            "The flatten in front of this layer was not seen, nor the order of its axes.",
            f"The matrix equals the kernel only if exactly a {kh}x{kw}x{channels} map is flattened in "
            "(height, width, channel) order.",
        ]
    shown = show_shape(use.flattened)
    if not order:
        what = f"in {_spelled(use.flattened_axes)} order" if use.flattened_axes else "in an order that was not seen"
        return [f"The graph flattens a map of {shown}, {what}; the kernel is over {kh}x{kw}x{channels}."]
    if use.moved_by and order != _KERNEL_AXES:
        first = "channels first" if order.startswith("C") else f"the axes in {_spelled(order)} order"
        return [f"A {use.moved_by} puts {first} before the flatten: {shown}."]
    how = "" if order == _KERNEL_AXES else ", as its convolutions make it"
    return [f"The graph flattens a map of {shown}, in {_spelled(order)} order{how}."]


def _spelled(axes: str) -> str:
    words = {"H": "height", "W": "width", "C": "channel", "D": "depth"}
    return "(" + ", ".join(words.get(axis, axis) for axis in axes) + ")"


def _order_to_try(case: Case) -> str:
    """The order that a flatten which was not seen most likely has: that of the graph's convolutions."""
    uses = [variable.consumer for variable in case.alignment.graph.variables if variable.consumer]
    return "CHW" if any(use.data_format == "NCHW" for use in uses) else _KERNEL_AXES


def _diagnose(case: Case, pair: Pair) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    kh, kw, channels, out = entry.spec.shape
    rows = variable.spec.shape[0]
    is_1x1 = (kh, kw) == (1, 1)
    order = _KERNEL_AXES if is_1x1 else _order_of_flatten(pair)
    use = variable.consumer
    transposed = bool(use and use.transposed)
    safe = order == _KERNEL_AXES and not transposed
    evidence = [
        f"{kh}·{kw}·{channels} = {rows}, and both have {out} outputs: {entry.spec.elements:,} numbers on either side."
    ]
    if use and use.input_shape is not None:
        evidence.append(f"{use.op} {use.name} takes an input of {show_shape(use.input_shape)}.")
    if is_1x1:
        evidence.append("A 1x1 convolution is a matrix product at each position; no order of a flatten is involved.")
    else:
        evidence += _seen(pair, order)
    order_to_use = order or _order_to_try(case)
    if not order and order_to_use != _KERNEL_AXES:
        evidence.append(f"The graph has NCHW convolutions, so the likeliest order is {_spelled(order_to_use)}.")
    ops: tuple[Op, ...] = (Reshape(entry.key, variable.spec.shape),)
    if order_to_use != _KERNEL_AXES:
        ops = (Transpose(entry.key, (*map(_KERNEL_AXES.index, order_to_use), 3)), *ops)
    if use and transposed:
        evidence.append(f"{use.op} {use.name} uses this matrix transposed, so its rows are the outputs.")
        ops = (*ops, Transpose(entry.key, (1, 0)))
    convert = Remedy(
        "write a checkpoint that fits: "
        + ("a transpose and a new shape" if len(ops) > 1 else "the bytes stay as they are"),
        "safe" if safe else "unsafe",
        case.convert_command(*([] if safe else ["--unsafe"])),
        ops,
    )
    return Diagnostic(
        RULE,
        f"the checkpoint holds a {kh}x{kw} convolution where the graph has a dense matrix"
        + ("." if is_1x1 else f" over the flattened {kh}x{kw}x{channels} map."),
        "certain" if safe else "likely",
        variable.name,
        entry.key,
        variable.spec,
        entry.spec,
        tuple(evidence),
        variable.location,
        (convert, *(_reshaping_restores(case) if safe else ()), *keep_convolution(case, pair)),
        frozenset({entry.key}),
    )


def _reshaping_restores(case: Case) -> tuple[Remedy, ...]:
    """Restores that reshape: right here, because both sides hold the same numbers in the same order."""
    if not case.alignment.graph.has_saver or not restores_by_name(case):
        return ()
    same = {pair.variable.key for pair in case.alignment.mismatched if not pair.renamed and _holds_the_same(pair)}
    restored = {*restorable(case.alignment, given=same), *same}
    return (
        Remedy(
            "or let the restore reshape (both sides hold the same numbers in the same order)",
            "display-only",
            saver_code(case, case.checkpoint, restored, reshape=True),
        ),
        Remedy("or the same with slim", "display-only", slim_code(case, case.checkpoint, restored, reshape=True)),
    )


def _holds_the_same(pair: Pair) -> bool:
    """Whether a stored convolution is the declared matrix, number for number."""
    use = pair.variable.consumer
    if not _is_convolution(pair) or not pair.same_dtype or (use and use.transposed):
        return False
    return pair.entry.spec.shape[:2] == (1, 1) or _order_of_flatten(pair) == _KERNEL_AXES
