"""weights-of-layer: a layer has another number of weights in the model than in the file.

## What it does
Reports layers whose number of weights Keras's loaders compare, where the variables that both sides have agree.

## Why is this bad
The load raises; with `skip_mismatch=True` the whole layer keeps its initial values, its kernel too. A bias that is left out
changes what is computed.

## Example
`Dense(10, use_bias=False)`, and a file with a kernel and a bias.

## Fix safety
Display only: build the layer as it was saved. Leaving values out is unsafe, unless normalisation follows.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD404", "weights-of-layer", "error")

_SIGNS = ("Weight count mismatch for layer", " variables, but received ")

FIRES = (
    Example(
        "a/kernel [2,2]",
        "a/kernel [2,2]\na/bias [2]",
        load="raises ValueError: Layer 'a' expected 1 variables, but received 2 variables during loading.",
    ),
)
SILENT = (Example("a/kernel [2,2]", "a/kernel [2,2]\nb/bias [2]", load="a/kernel gets a/kernel"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    agreement = case.agreement
    if case.load_is_explained or agreement is None:
        return
    load = agreement.load
    said = [text for text in (*load.causes, load.error, *load.warnings) if any(sign in text for sign in _SIGNS)]
    if not said:
        return
    left_over = [entry.key for entry in case.alignment.unexpected]
    evidence = [*said[:3]]
    if left_over:
        evidence.append(f"In the file and not in the graph: {listed(left_over)}.")
    lost = [pair for _, pair in agreement.kept if pair]
    first = lost[0] if lost else next(iter(case.alignment.pairs), None)
    yield Diagnostic(
        RULE,
        "a layer has another number of weights in the file than in the model.",
        "certain",
        first.variable.name if first else "",
        first.entry.key if first else (left_over or [""])[0],
        evidence=tuple(evidence),
        location=first.variable.location if first else None,
        remedies=(
            Remedy("build the layer as it was saved, such as with use_bias=True", "display-only"),
            Remedy("or write a file without these values: the network computes something else", "unsafe",
                   case.convert_command()),
        ),
    )  # fmt: skip
