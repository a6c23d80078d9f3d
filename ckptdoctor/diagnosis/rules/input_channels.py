"""input-channels: the first convolution takes another number of channels.

## What it does
Finds a kernel that differs only in its input channels, which are few on both sides, as an image's are.

## Why is this bad
The restore fails on the first layer: grey images (1), RGB (3), RGBA or a depth map (4).

## Example
`lhs [7,7,1,64] vs rhs [7,7,3,64]`: a network for RGB, fed with grey images.

## Fix safety
Display only: repeat a grey image three times, or drop a channel, and the stored kernel fits.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, only_change
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.restoring import leave_out
from ckptdoctor.libraries.name import scope_of

RULE = Rule("CKD207", "input-channels", "error")

FIRES = (Example("net/conv1/weights [7,7,1,64]\nnet/o/w [9,9]", "net/conv1/weights [7,7,3,64]\nnet/o/w [9,9]"),)
SILENT = (Example("net/conv4/weights [3,3,64,64]\nnet/o/w [9,9]", "net/conv4/weights [3,3,32,64]\nnet/o/w [9,9]"),)

_MOST = 16
_IMAGES = {1: "grey", 3: "RGB", 4: "RGBA, or RGB and depth"}


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each kernel over the input."""
    kernels = [item.name for item in case.alignment.graph.variables if len(item.spec.shape) in (4, 5)]
    for pair in case.mismatched:
        change = only_change(pair)
        rank = len(pair.variable.spec.shape)
        if change is None or rank not in (4, 5) or change.axis != rank - 2 or max(change.lhs, change.rhs) > _MOST:
            continue
        if pair.variable.name == kernels[0] or {change.lhs, change.rhs} <= _IMAGES.keys():
            yield _diagnose(case, change)


def _diagnose(case: Case, change: Change) -> Diagnostic:
    lhs, rhs = (f"{count} ({_IMAGES[count]})" if count in _IMAGES else str(count) for count in (change.lhs, change.rhs))
    repairs = [Remedy(f"feed images of {change.rhs} channels", "display-only")]
    if (change.lhs, change.rhs) == (1, 3):
        repairs.append(
            Remedy("repeat the grey channel", "display-only", Code.of("images = tf.image.grayscale_to_rgb(images)"))
        )
    scope = scope_of(change.pair.variable.name)
    return about_pairs(
        RULE,
        f"the graph's first convolution takes {lhs} channels, the stored one {rhs}.",
        "certain",
        [change.pair],
        ["Only the input channels of this kernel differ."],
        (*repairs, *leave_out(case, scope)),
    )
