"""scope-prefix: the same variables stand under another scope.

## What it does
Finds variables that the graph has under one scope and the checkpoint under another (or under none), the rest of the name
and the shape being the same.

## Why is this bad
Everything is reported as missing and unexpected at once, though every value is there.

## Example
`model/conv1/weights` in the graph, `tower_0/conv1/weights` in the checkpoint.

## Fix safety
Safe where the scope maps to one other scope only, one variable to one key. If two scopes of the checkpoint fit equally,
nothing is guessed: see ambiguous-names.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.renames import report_renamings
from ckptdoctor.diagnosis.rules.multi_gpu_wrapper import is_wrapper

RULE = Rule("CKD103", "scope-prefix", "error")

FIRES = (Example("model/a/w [3,3]\nmodel/b/w [3,2]", "net/a/w [3,3]\nnet/b/w [3,2]"),)
SILENT = (Example("a/w [3,3]\nb/w [3,2]", "t0/a/w [3,3]\nt0/b/w [3,2]\nt1/a/w [3,3]\nt1/b/w [3,2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each scope that was replaced."""
    message = "the graph's variables stand under {lhs}, the checkpoint's under {rhs}."
    yield from report_renamings(case, RULE, ("scope",), message, lambda renaming: not is_wrapper(renaming))
