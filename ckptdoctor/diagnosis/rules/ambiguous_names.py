"""ambiguous-names: several keys fit a variable equally well.

## What it does
Names the variables for which the checkpoint has several candidates, and the candidates. None is chosen.

## Why is this bad
A guess would load the right shapes with the wrong values, and nothing would say so.

## Example
`model/conv1/weights` in the graph, `tower_0/conv1/weights` and `tower_1/conv1/weights` in the checkpoint.

## Fix safety
Display only: decide with `--rename 'REGEX=REPLACEMENT'` or `--map FILE`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.specs.command import rename_argument

RULE = Rule("CKD107", "ambiguous-names", "error")

FIRES = (Example("n/a/w [3,3]\nn/b/w [3,2]", "t0/a/w [3,3]\nt0/b/w [3,2]\nt1/a/w [3,3]\nt1/b/w [3,2]"),)
SILENT = (Example("a/w [3,3]", "a/w [3,3]\nb/w [3,3]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each group of variables that cannot be told apart."""
    for ambiguity in case.alignment.ambiguities:
        variables, entries = ambiguity.variables, ambiguity.entries
        decide = Remedy(
            "decide which it is",
            "display-only",
            case.convert_command("--rename", rename_argument(entries[0].key, variables[0].key)),
        )
        yield Diagnostic(
            RULE,
            "several keys fit equally well, so none is chosen.",
            "certain",
            variables[0].name,
            entries[0].key,
            variables[0].spec,
            entries[0].spec,
            (
                ambiguity.evidence,
                f"Variables: {listed([variable.key for variable in variables])}.",
                f"Candidates: {listed([entry.key for entry in entries])}.",
            ),
            variables[0].location,
            (decide,),
            frozenset([*(item.key for item in variables), *(item.key for item in entries)]),
        )
