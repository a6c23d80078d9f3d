"""The same numbers in another arrangement, or of another type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

from ckptdoctor.diagnosis.explanation.symptom import Cause, Mismatch, Symptom
from ckptdoctor.specs.tensor import Shape

_DTYPE = re.compile(r"expected dtype (\w+) does not equal original dtype (\w+)|stored size (\d+); expected size (\d+)|"
                    r"tensor dtype|dtype mismatch|type mismatch", re.IGNORECASE)  # fmt: skip
_GATES = (3, 4)
_IMAGE_SIDE = 160
_IMAGE_CHANNELS = 4


def layouts(symptom: Symptom) -> Iterator[Cause]:
    """Convolution against matrix, transposes, recurrent cells, dtypes."""
    for mismatch in symptom.mismatches:
        yield from _layout(mismatch)
    if match := _DTYPE.search(symptom.text):
        words = [word for word in match.groups() if word]
        yield Cause(
            "dtype-mismatch",
            0.95,
            f"The types differ: {' and '.join(words) or match[0]}.",
            ("ckptdoctor convert CHECKPOINT OUTPUT --graph GRAPH casts where no bit is lost.",),
        )


def _layout(mismatch: Mismatch) -> Iterator[Cause]:
    lhs, rhs = mismatch.lhs, mismatch.rhs
    same_count = prod(lhs) == prod(rhs)
    if same_count and {len(lhs), len(rhs)} == {2, 4}:
        dense, conv = (lhs, rhs) if len(lhs) == 2 else (rhs, lhs)
        if dense[1] == conv[3]:
            yield Cause(
                "conv-for-dense" if len(lhs) == 2 else "dense-for-conv",
                0.97,
                f"{conv} and {dense} hold the same {prod(lhs):,} numbers: a convolution and a matrix.",
                ("ckptdoctor convert CHECKPOINT OUTPUT --graph GRAPH",),
            )
    elif len(lhs) == 2 and len(rhs) == 4 and lhs == rhs[2:]:
        yield Cause(
            "missing-flatten",
            0.9,
            f"{lhs} lacks the {rhs[0]}x{rhs[1]} positions of {rhs}: a flatten is missing.",
            ("Flatten before the layer, then run ckptdoctor diff again.",),
        )
    elif len(lhs) == len(rhs) and len(lhs) > 1 and lhs != rhs and sorted(lhs) == sorted(rhs):
        yield Cause(
            "layout-transpose",
            0.93,
            f"{lhs} and {rhs} are the same sizes in another order: another axis convention.",
            ('Transpose the stored kernel: a plan step op = "transpose" for ckptdoctor convert --plan.',),
        )
    elif len(lhs) == len(rhs) == 4 and lhs[2] >= _IMAGE_SIDE and _took_image(lhs, rhs):
        yield Cause(
            "layout-transpose",
            0.85,
            f"The graph reads {lhs[2]}, a side of the image, as channels: channels-first against channels-last.",
            ("Set the image data format of training, and give the input's sizes in that order.",),
        )
    if {len(lhs), len(rhs)} == {1, 2}:
        pair, flat = (lhs, rhs) if len(lhs) == 2 else (rhs, lhs)
        if pair[0] == 2 and flat[0] in (pair[1], 2 * pair[1]) and any(pair[1] % gates == 0 for gates in _GATES):
            yield Cause(
                "rnn-cell",
                0.92,
                f"{pair} and {flat}: CuDNN cells (and reset_after) keep two biases a gate, plain cells one.",
                ("Build the cell that the checkpoint was trained with (CuDNN, or reset_after=True).",),
            )


def _took_image(lhs: Shape, rhs: Shape) -> bool:
    """Whether the stored kernel takes an image's channels, in whatever order its shape is printed."""
    return _channels(rhs) <= _IMAGE_CHANNELS or (lhs[3] in rhs[2:] and min(rhs[2:]) <= _IMAGE_CHANNELS)


def _channels(kernel: Shape) -> int:
    """Input channels of a kernel [kh,kw,in,out], or of one that is printed [out,in,kh,kw]."""
    return kernel[1] if kernel[2] == kernel[3] != kernel[0] else kernel[2]
