"""dense-for-conv: the checkpoint holds a matrix where the graph has a convolution.

## What it does
Finds a stored matrix `[kh·kw·in,out]` where the graph declares a kernel `[kh,kw,in,out]`.

## Why is this bad
The restore fails, or (resource variables) leaves a matrix where Conv2D needs a kernel.

## Example
`lhs [7,7,512,4096] vs rhs [25088,4096]`: a dense VGG's fc6 for slim's convolutional one.

## Fix safety
Safe for 1×1 kernels, and for k×k kernels where both sides were seen: the convolution is VALID on a map of exactly k×k, and
the checkpoint is a Keras file whose configuration shows that its dense layer stands behind a flatten of exactly that map in
(height, width, channel) order. Where it shows another order, a transpose follows. Most checkpoints do not say in which
order their rows are, and elsewhere the convolution would use the matrix at many positions: unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.ops import Op, Reshape, Transpose
from ckptdoctor.specs.tensor import show_shape

RULE = Rule("CKD202", "dense-for-conv", "error")

FIRES = (Example("n/fc6/w [7,7,32,64] Conv2D input [?,7,7,32] padding VALID", "n/fc6/w [1568,64]"),)
SILENT = (Example("n/fc6/w [7,7,32,64]", "n/fc6/w [1500,64]"),)

_KERNEL_AXES = "HWC"


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each stored matrix whose elements are those of a declared kernel."""
    for pair in case.mismatched:
        lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
        if len(lhs) == 4 and len(rhs) == 2 and lhs[3] == rhs[1] and lhs[0] * lhs[1] * lhs[2] == rhs[0]:
            yield _diagnose(case, pair)


def _diagnose(case: Case, pair: Pair) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    kh, kw, channels, out = variable.spec.shape
    evidence = [f"{kh}·{kw}·{channels} = {entry.spec.shape[0]}, and both have {out} outputs."]
    order = _KERNEL_AXES
    if (kh, kw) == (1, 1):
        safe = True
        evidence.append("A 1x1 convolution is a matrix product at each position.")
    else:
        covers_map, what_it_takes = _convolution(pair)
        seen, what_it_was = _order_of_rows(case, pair)
        order = seen or _KERNEL_AXES
        safe = covers_map and seen == _KERNEL_AXES
        evidence += [what_it_takes, what_it_was]
    use = variable.consumer
    if use and use.transposed:
        safe = False
        evidence.append(f"{use.op} {use.name} uses this kernel with inputs and outputs exchanged.")
    ops: tuple[Op, ...] = (Reshape(entry.key, variable.spec.shape),)
    if order != _KERNEL_AXES:
        sizes = dict(zip(_KERNEL_AXES, (kh, kw, channels), strict=True))
        ops = (
            Reshape(entry.key, (*(sizes[axis] for axis in order), out)),
            Transpose(entry.key, (*map(order.index, _KERNEL_AXES), 3)),
        )
    return Diagnostic(
        RULE,
        f"the checkpoint holds a dense matrix where the graph has a {kh}x{kw} convolution.",
        "certain" if safe else "possible",
        variable.name,
        entry.key,
        variable.spec,
        entry.spec,
        tuple(evidence),
        variable.location,
        (
            Remedy(
                "write a checkpoint that fits: "
                + ("the bytes stay as they are" if len(ops) == 1 else "a new shape and a transpose"),
                "safe" if safe else "unsafe",
                case.convert_command(*([] if safe else ["--unsafe"])),
                ops,
            ),
        ),
        frozenset({entry.key}),
    )


def _convolution(pair: Pair) -> tuple[bool, str]:
    """Whether the graph's convolution was seen to cover its map exactly once, channels last; and what was seen."""
    use = pair.variable.consumer
    kh, kw, channels, _ = pair.variable.spec.shape
    if use is None or use.input_shape is None or len(use.input_shape) != 4:
        return (
            False,
            f"Equal only if the convolution is VALID on a map of exactly {kh}x{kw}; what it takes was not seen.",
        )
    covers_map = use.padding == "VALID" and use.input_shape[1:] == (kh, kw, channels) and use.data_format != "NCHW"
    seen = f"{use.op} {use.name} is {use.padding} on an input of {show_shape(use.input_shape)}."
    return covers_map, seen if covers_map else f"{seen} It must be VALID on a map of exactly {kh}x{kw}, channels last."


def _order_of_rows(case: Case, pair: Pair) -> tuple[str, str]:
    """The order in which the stored matrix's rows come from exactly this map, empty if it was not seen; and what was."""
    from ckptdoctor.graphs.keras_config import uses_in_file

    kh, kw, channels, _ = pair.variable.spec.shape
    use = uses_in_file(case.alignment.inventory).get(pair.entry.key)
    if use is None or use.flattened is None:
        return "", (
            "The order of the matrix's rows is not stored: they must come from a flatten in (height, width, channel) order."
        )
    sizes = dict(zip(_KERNEL_AXES, (kh, kw, channels), strict=True))
    shown = show_shape(use.flattened)
    known = sorted(use.flattened_axes) == sorted(_KERNEL_AXES)
    if known and use.flattened[1:] == tuple(sizes[axis] for axis in use.flattened_axes) and not use.transposed:
        moved = f", where a {use.moved_by} put them" if use.moved_by else ""
        return use.flattened_axes, f"The stored model flattens a map of {shown}, axes {use.flattened_axes}{moved}."
    return "", f"The stored model flattens a map of {shown}, in an order that was not seen."
