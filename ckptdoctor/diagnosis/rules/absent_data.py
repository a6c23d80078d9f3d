"""absent-data: files that hold the checkpoint's values are missing.

## What it does
Reports a tensor bundle whose index is there and of whose data files some are not: names, shapes and types can be compared,
values cannot be loaded.

## Why is this bad
A restore fails as soon as it reads a value of a file that is not there.

## Example
`model.ckpt.index` without `model.ckpt.data-00000-of-00001`.

## Fix safety
Display only: fetch the files, and keep them beside the index.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD005", "absent-data", "error")

FIRES = (Example("a/w [2]", "a/w [2]", absent="model.ckpt.data-00000-of-00001"),)
SILENT = (Example("a/w [2]", "a/w [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    absent = case.alignment.inventory.absent
    if not absent:
        return
    pairs = case.alignment.pairs
    yield Diagnostic(
        RULE,
        f"data of the checkpoint is missing: {listed(list(absent))}.",
        "certain",
        pairs[0].variable.name if pairs else "",
        pairs[0].entry.key if pairs else next(iter(case.alignment.inventory.variables), ""),
        evidence=("The index has names, shapes and types; a restore fails where it reads the first value.",),
        remedies=(Remedy("fetch the missing files, and put them beside the index", "display-only"),),
    )
