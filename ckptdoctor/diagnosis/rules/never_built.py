"""never-built: the model, or a layer of it, has made no variables yet when its weights are loaded.

## What it does
Reports models and layers that are not built, into which Keras loads nothing.

## Why is this bad
A layer makes its variables when it is first called. Keras raises for one that was never built and has values in the file.

## Example
A subclassed model whose `call` was not run: one variable of its own, and fifty-three in the file.

## Fix safety
Display only: call the model on an input before it loads.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD405", "never-built", "error")

_SIGNS = ("has not yet been built", "was never built")

FIRES = (
    Example(
        "a/w [2]",
        "a/w [2]\nb/w [2]",
        load="raises ValueError: Layer 'b' was never built and thus it doesn't have any variables.",
    ),
)
SILENT = (Example("a/w [2]", "a/w [2]\nb/w [2]", load="a/w gets a/w"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    agreement = case.agreement
    if agreement is None:
        return
    load = agreement.load
    said = [text for text in (*load.causes, load.error, *load.warnings) if any(sign in text for sign in _SIGNS)]
    if not said:
        return
    variables = case.alignment.graph.variables
    yield Diagnostic(
        RULE,
        "the model is not built, or a layer of it is not, so that it has no variables to load.",
        "certain",
        variables[0].name if variables else "",
        next((entry.key for entry in case.alignment.unexpected), ""),
        evidence=tuple(said[:3]),
        remedies=(
            Remedy(
                "call the model on an input, or build it for a shape, before it loads",
                "display-only",
                Code.of(
                    "model(sample)  # one batch, as it is trained on\nmodel.load_weights($path)", path=case.checkpoint
                ),
            ),
        ),
    )
