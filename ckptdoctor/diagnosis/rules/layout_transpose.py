"""layout-transpose: the same sizes in another order of axes.

## What it does
Finds kernels whose stored shape is a permutation of the declared one, one permutation for all of them: PyTorch's and
Theano's `[out,in,kh,kw]` for TensorFlow's `[kh,kw,in,out]`, a dense matrix `[out,in]` for `[in,out]`.

## Why is this bad
The restore fails where the sizes differ. A square kernel is accepted and computes something else, silently.

## Example
`lhs [3,3,64,128] vs rhs [128,64,3,3]`.

## Fix safety
Unsafe: a transpose makes the shapes fit, but the shapes alone do not show that Theano's kernels are flipped too, or that
rows behind a flatten are in another order. Square kernels of the same rank are transposed with the others. Let
`ckptdoctor verify --same-as` compare the outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.libraries.kernel_layouts import STORED_ORDERS
from ckptdoctor.ops import Transpose
from ckptdoctor.specs.tensor import show_shape

RULE = Rule("CKD209", "layout-transpose", "error")

FIRES = (
    Example(
        "a/kernel [3,3,3,8]\nb/kernel [3,3,8,16]\nc/kernel [144,10]",
        "a/kernel [8,3,3,3]\nb/kernel [16,8,3,3]\nc/kernel [144,10]",
    ),
    Example("a/kernel [64,32]\nb/kernel [32,10]", "a/kernel [32,64]\nb/kernel [10,32]"),
)
SILENT = (
    Example("a/kernel [3,3,8,1]\nb/kernel [8,4]", "a/kernel [3,3,1,8]\nb/kernel [8,4]"),
    Example("a/kernel [64,10]\nb/kernel [10,4]", "a/kernel [64,12]\nb/kernel [10,4]"),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each permutation."""
    groups: dict[tuple[int, ...], list[Pair]] = {}
    for pair in case.mismatched:
        perm = _permutation(pair)
        if perm:
            groups.setdefault(perm, []).append(pair)
    for perm, pairs in groups.items():
        yield _diagnose(case, perm, pairs)


def _permutation(pair: Pair) -> tuple[int, ...] | None:
    lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
    if not 2 <= len(lhs) == len(rhs) <= 5 or lhs == rhs or sorted(lhs) != sorted(rhs):
        return None
    if len(lhs) == 4 and lhs[:2] == rhs[:2] and 1 in lhs[2:]:
        return None  # a depthwise kernel, which has a rule of its own
    fitting = [perm for perm in permutations(range(len(lhs))) if tuple(rhs[axis] for axis in perm) == lhs]
    return next((perm for perm in STORED_ORDERS if perm in fitting), fitting[0])


def _diagnose(case: Case, perm: tuple[int, ...], pairs: list[Pair]) -> Diagnostic:
    square = _square(case, perm, pairs)
    first = pairs[0]
    evidence = [
        f"{show_shape(first.entry.spec.shape)} permuted by {list(perm)} is {show_shape(first.variable.spec.shape)}."
    ]
    if perm in STORED_ORDERS:
        evidence.append(f"Stored as {STORED_ORDERS[perm]}.")
    if square:
        evidence.append(
            f"{listed([pair.entry.key for pair in square])}: these fit either way, and would be loaded transposed."
        )
    ops = tuple(Transpose(pair.entry.key, perm) for pair in (*pairs, *square))
    convert = Remedy("transpose the stored kernels", "unsafe", case.convert_command("--unsafe"), ops)
    return about_pairs(
        RULE,
        "the checkpoint keeps the axes of its kernels in another order.",
        "certain" if len(pairs) > 1 else "likely",
        pairs,
        evidence,
        (convert,),
    )


def _square(case: Case, perm: tuple[int, ...], pairs: list[Pair]) -> list[Pair]:
    """Matched kernels of that rank whose shape the permutation does not change."""
    explained = {pair.entry.key for pair in pairs}
    return [
        pair
        for pair in case.alignment.pairs
        if pair.entry.key not in explained
        and len(pair.entry.spec.shape) == len(perm)
        and tuple(pair.entry.spec.shape[axis] for axis in perm) == pair.variable.spec.shape == pair.entry.spec.shape
    ]
