"""missing-flatten: the graph's dense layer takes an un-flattened map.

## What it does
Finds a declared matrix `[in,out]` whose stored counterpart is `[kh,kw,in,out]` with more than one position: the layer
contracts only the last axis of a rank-4 input.

## Why is this bad
The graph is not the network that the checkpoint was trained as: it has kh·kw times fewer weights there, and its output
keeps the spatial axes. No reshape can help, because the numbers of elements differ.

## Example
`slim.fully_connected` straight after `pool5`: `lhs [512,4096] vs rhs [7,7,512,4096]`.

## Fix safety
Display only: the graph must change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code, is_identifier
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.flattened import keep_convolution
from ckptdoctor.specs.tensor import show_shape

RULE = Rule("CKD203", "missing-flatten", "error")

FIRES = (Example("n/fc6/w [512,64] Tensordot input [?,7,7,512]", "n/fc6/w [7,7,512,64]"),)
SILENT = (Example("n/fc6/w [25088,64]", "n/fc6/w [7,7,512,64]"),)

_ARGUMENT = re.compile(r"(?P<indent>\s*)(?P<result>\w+)\s*=\s*[\w.]+\(\s*(?P<argument>\w+)")


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each matrix that lacks the positions of its stored kernel."""
    for pair in case.mismatched:
        lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
        if len(lhs) != 2 or not rhs or lhs[1] != rhs[-1]:
            continue
        use = pair.variable.consumer
        high_rank = use is not None and use.input_shape is not None and len(use.input_shape) > 2
        as_conv = len(rhs) == 4 and rhs[2] == lhs[0] and rhs[0] * rhs[1] > 1
        as_dense = len(rhs) == 2 and high_rank and _positions(pair) > 1 and rhs[0] == lhs[0] * _positions(pair)
        if as_conv or as_dense:
            yield _diagnose(case, pair, high_rank=high_rank)


def _positions(pair: Pair) -> int:
    """Positions of the un-flattened map that the layer takes, 0 if they are unknown."""
    use = pair.variable.consumer
    if use is None or use.input_shape is None or len(use.input_shape) != 4:
        return 0
    return max(0, use.input_shape[1]) * max(0, use.input_shape[2])


def _diagnose(case: Case, pair: Pair, *, high_rank: bool) -> Diagnostic:
    variable, entry = pair.variable, pair.entry
    channels, out = variable.spec.shape
    rows = entry.spec.elements // out
    use = variable.consumer
    evidence = []
    if use and use.input_shape is not None:
        after = f", straight after {use.producer}" if use.producer else ""
        evidence.append(
            f"{use.op} {use.name} takes a rank-{len(use.input_shape)} input {show_shape(use.input_shape)}{after}."
        )
        evidence.append(f"It contracts the last axis only, so the graph has {channels} rows where {rows} are stored.")
    evidence.append(
        f"The graph wants {variable.spec.elements:,} numbers, the checkpoint holds {entry.spec.elements:,}: "
        "neither Saver(reshape=True) nor reshape_variables=True can help."
    )
    if len(entry.spec.shape) == 4:
        evidence.append(f"With a flatten the layer is [{rows},{out}], and `ckptdoctor convert` makes the kernel fit.")
    return Diagnostic(
        RULE,
        f"the graph lacks a flatten before this layer: a dense layer needs [N,{rows}], not a map.",
        "certain" if high_rank else "likely",
        variable.name,
        entry.key,
        variable.spec,
        entry.spec,
        tuple(evidence),
        variable.location,
        (_flatten(case, pair), *keep_convolution(case, pair)),
        frozenset({entry.key}),
    )


def _flatten(case: Case, pair: Pair) -> Remedy:
    location = pair.variable.location
    text = location.text.strip() if location else ""
    match = _ARGUMENT.match(text)
    name = match["argument"] if match and is_identifier(match["argument"]) else "net"
    rows = pair.entry.spec.elements // pair.variable.spec.shape[1]
    template = "$name = layers.Flatten()($name)"
    if "slim." in text:
        template = "$name = slim.flatten($name)"
    elif "tf." in text or case.alignment.graph.has_saver:
        template = "$name = tf.reshape($name, [-1, $rows])"
    flatten = Code.of(template.replace("$name", name), rows=rows)
    return Remedy("flatten before this line, then run diff again", "display-only", flatten.before(text))
