"""unexpected-key: the checkpoint has a key that the graph does not want.

## What it does
Reports each key without a variable.

## Why is this bad
A restore leaves it alone, so nothing breaks; but a layer that was meant to be restored may be missing from the graph.

## Example
`vgg_16/fc8/weights` when the graph ends with fc7.

## Fix safety
Nothing to fix.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD102", "unexpected-key", "info")

FIRES = (Example("a/w [2]", "a/w [2]\nb/w [2]"),)
SILENT = (Example("a/w [2]\nb/w [2]", "a/w [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each key without a variable."""
    for entry in case.unexpected:
        yield Diagnostic(
            RULE,
            "the checkpoint has this key, the graph does not. A restore leaves it alone.",
            "certain",
            "",
            entry.key,
            None,
            entry.spec,
            covers=frozenset({entry.key}),
        )
