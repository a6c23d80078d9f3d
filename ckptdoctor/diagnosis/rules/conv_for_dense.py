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
A 1×1 kernel is the matrix: safe. A k×k kernel equals it only if the convolution was VALID on a map of exactly k×k and
the graph flattens in (height, width, channel) order. Where the trace shows another order, a transpose comes first and the
remedy is unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.alignment import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.ops import Op, Reshape, Transpose
from ckptdoctor.specs.tensor import show_shape

RULE = Rule("CKD201", "conv-for-dense", "error")

FIRES = (
    Example("n/fc7/w [4096,64]\nn/o/w [64,9]", "n/fc7/w [1,1,4096,64]\nn/o/w [64,9]"),
    Example(
        "n/fc6/w [1568,64] MatMul input [?,1568] flattened [?,7,7,32]\nn/o/w [64,9]",
        "n/fc6/w [7,7,32,64]\nn/o/w [64,9]",
    ),
)
SILENT = (Example("n/fc6/w [32,64]\nn/o/w [64,9]", "n/fc6/w [7,7,32,64]\nn/o/w [64,9]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each stored convolution whose elements are those of a declared matrix."""
    for pair in case.mismatched:
        lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
        if len(lhs) == 2 and len(rhs) == 4 and rhs[3] == lhs[1] and rhs[0] * rhs[1] * rhs[2] == lhs[0]:
            yield _diagnose(case, pair)


def _flattens_channels_first(case: Case, pair: Pair) -> bool:
    """Whether the graph's flatten puts channels before positions: seen at the flatten itself, else at convolutions."""
    kh, kw, channels, _ = pair.entry.spec.shape
    use = pair.variable.consumer
    if use and use.flattened and len(use.flattened) == 4:
        return use.flattened[1:] == (channels, kh, kw) != (kh, kw, channels)
    uses = [variable.consumer for variable in case.alignment.graph.variables if variable.consumer]
    return any(use.data_format == "NCHW" for use in uses)


def _diagnose(case: Case, pair: Pair) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    kh, kw, channels, out = entry.spec.shape
    rows = variable.spec.shape[0]
    one = (kh, kw) == (1, 1)
    channels_first = not one and _flattens_channels_first(case, pair)
    evidence = [
        f"{kh}·{kw}·{channels} = {rows}, and both have {out} outputs: {entry.spec.elements:,} numbers on either side."
    ]
    use = variable.consumer
    if use and use.input_shape is not None:
        evidence.append(f"{use.op} {use.name} takes an input of {show_shape(use.input_shape)}.")
    seen = bool(use and use.flattened and use.flattened[1:] == (kh, kw, channels))
    if one:
        evidence.append("A 1x1 convolution is a matrix product at each position; no order of a flatten is involved.")
    elif channels_first:
        evidence.append("The graph's convolutions are NCHW, so its flatten is in (channel, height, width) order.")
    elif seen and use and use.flattened:
        evidence.append(f"The graph flattens a map of {show_shape(use.flattened)}, in (height, width, channel) order.")
    else:
        evidence.append(
            f"Equal if the convolution was VALID on a {kh}x{kw} map and the flatten is in (height, width, channel) order."
        )
    ops: tuple[Op, ...] = (Reshape(entry.key, variable.spec.shape),)
    if channels_first:
        ops = (Transpose(entry.key, (2, 0, 1, 3)), *ops)
    convert = Remedy(
        "write a checkpoint that fits: "
        + ("a transpose and a new shape" if channels_first else "the bytes stay as they are"),
        "unsafe" if channels_first else "safe",
        case.convert_command(*(["--unsafe"] if channels_first else [])),
        ops,
    )
    squeeze = Remedy(
        "or keep the convolutions in the graph and squeeze the activations, never the weights (axis 0 is the batch)",
        "display-only",
        _keep_convolution(pair),
    )
    reshape = () if channels_first else _reshaping_restores(case)
    return Diagnostic(
        RULE,
        f"the checkpoint holds a {kh}x{kw} convolution where the graph has a dense matrix"
        + ("." if one else f" over the flattened {kh}x{kw}x{channels} map."),
        "certain" if one or seen else "likely",
        variable.name,
        entry.key,
        variable.spec,
        entry.spec,
        tuple(evidence),
        variable.location,
        (convert, *reshape, squeeze) if case.alignment.graph.has_saver else (convert,),
        frozenset({entry.key}),
    )


def _reshaping_restores(case: Case) -> tuple[Remedy, ...]:
    """Restores that reshape: right here, because both sides hold the same numbers in the same order."""
    if not case.alignment.graph.has_saver:
        return ()
    return (
        Remedy(
            "or let the restore reshape (both sides hold the same numbers in the same order)",
            "display-only",
            Code.of("tf.compat.v1.train.Saver(reshape=True).restore(session, $checkpoint)", checkpoint=case.checkpoint),
        ),
        Remedy(
            "or the same with slim",
            "display-only",
            Code.of(
                "init_fn = slim.assign_from_checkpoint_fn($checkpoint,\n"
                "    slim.get_variables_to_restore(), reshape_variables=True)",
                checkpoint=case.checkpoint,
            ),
        ),
    )


def _keep_convolution(pair: Pair) -> Code:
    kh, kw, _, out = pair.entry.spec.shape
    return Code.of(
        "net = slim.conv2d(net, $out, $kernel, padding='VALID', scope=$scope)\n"
        "net = tf.squeeze(net, [1, 2])  # after the last of them: [N,1,1,C] becomes [N,C]",
        out=out,
        kernel=[kh, kw],
        scope=pair.variable.name.rpartition("/")[0].rpartition("/")[2] or pair.variable.name,
    )
