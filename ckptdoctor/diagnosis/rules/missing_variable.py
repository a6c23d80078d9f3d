"""missing-variable: the graph has a variable that the checkpoint lacks.

## What it does
Reports each variable without a key, with the keys that look most like it.

## Why is this bad
`Saver().restore` fails with `Key … not found in checkpoint`; a filtered restore leaves the variable random.

## Example
`fc9/weights`: a layer that the checkpoint's network did not have.

## Fix safety
Display only.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD101", "missing", "error")

FIRES = (Example("a/w [2]\nhead/w [2,3]", "a/w [2]"),)
SILENT = (Example("a/w [2]", "a/w [2]\nb/w [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each variable without a key."""
    unexpected = {entry.key: entry for entry in case.unexpected}
    for variable in case.missing:
        same = [key for key, entry in unexpected.items() if entry.spec == variable.spec]
        close = get_close_matches(variable.key, same, n=2, cutoff=0.6)
        evidence = ["No key of this name is in the checkpoint."]
        if close:
            evidence.append(f"Unclaimed keys of the same shape: {', '.join(close)}.")
        yield Diagnostic(
            RULE,
            "the graph has this variable, the checkpoint does not.",
            "certain",
            variable.name,
            variable.key,
            variable.spec,
            None,
            tuple(evidence),
            variable.location,
            case.leave_out(variable.name.rpartition("/")[0] or variable.name),
            frozenset({variable.key}),
        )
