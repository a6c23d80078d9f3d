"""dense-for-conv: the checkpoint holds a matrix where the graph has a convolution.

## What it does
Finds a stored matrix `[kh·kw·in,out]` where the graph declares a kernel `[kh,kw,in,out]`.

## Why is this bad
The restore fails, or (resource variables) leaves a matrix where Conv2D needs a kernel.

## Example
`lhs [7,7,512,4096] vs rhs [25088,4096]`: a dense VGG's fc6 for slim's convolutional one.

## Fix safety
Safe for 1×1 kernels, and for k×k kernels whose convolution is VALID on a map of exactly k×k. Elsewhere the matrix was
trained for one position and the convolution would use it at many: unsafe.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.ops import Reshape
from ckptdoctor.specs.tensor import show_shape

RULE = Rule("CKD202", "dense-for-conv", "error")

FIRES = (Example("n/fc6/w [7,7,32,64] Conv2D input [?,7,7,32] padding VALID", "n/fc6/w [1568,64]"),)
SILENT = (Example("n/fc6/w [7,7,32,64]", "n/fc6/w [1500,64]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each stored matrix whose elements are those of a declared kernel."""
    for pair in case.mismatched:
        lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
        if len(lhs) == 4 and len(rhs) == 2 and lhs[3] == rhs[1] and lhs[0] * lhs[1] * lhs[2] == rhs[0]:
            yield _diagnose(case, pair)


def _diagnose(case: Case, pair: Pair) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    kh, kw, channels, out = variable.spec.shape
    use = variable.consumer
    evidence = [f"{kh}·{kw}·{channels} = {entry.spec.shape[0]}, and both have {out} outputs."]
    exact = (kh, kw) == (1, 1)
    if exact:
        evidence.append("A 1x1 convolution is a matrix product at each position.")
    elif use and use.input_shape is not None and len(use.input_shape) == 4:
        exact = use.padding == "VALID" and use.input_shape[1:] == (kh, kw, channels) and use.data_format != "NCHW"
        evidence.append(f"{use.op} {use.name} is {use.padding} on an input of {show_shape(use.input_shape)}.")
        if not exact:
            evidence.append(f"It equals the matrix only if it is VALID on a map of exactly {kh}x{kw}, channels last.")
    else:
        evidence.append(f"Equal if the convolution is VALID on a map of exactly {kh}x{kw}; what it takes was not seen.")
    if use and use.transposed:
        exact = False
        evidence.append(f"{use.op} {use.name} uses this kernel with inputs and outputs exchanged.")
    options = [] if exact else ["--unsafe"]
    return Diagnostic(
        RULE,
        f"the checkpoint holds a dense matrix where the graph has a {kh}x{kw} convolution.",
        "certain" if exact else "possible",
        variable.name,
        entry.key,
        variable.spec,
        entry.spec,
        tuple(evidence),
        variable.location,
        (
            Remedy(
                "write a checkpoint that fits: the bytes stay as they are",
                "safe" if exact else "unsafe",
                case.convert_command(*options),
                (Reshape(entry.key, variable.spec.shape),),
            ),
        ),
        frozenset({entry.key}),
    )
