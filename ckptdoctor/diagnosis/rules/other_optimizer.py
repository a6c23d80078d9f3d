"""other-optimizer: both sides train, with another optimizer.

## What it does
Finds slots of one optimizer that the graph wants and slots of another that the checkpoint holds.

## Why is this bad
The restore fails on the first slot, though the network itself is complete.

## Example
The graph wants `conv1/weights/Adam`, the checkpoint holds `conv1/weights/Momentum`.

## Fix safety
Display only: build the optimizer of training, or restore the network only and start the new one fresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.diagnosis.restoring import restore_the_rest
from ckptdoctor.libraries.training_state import is_state, training_state

RULE = Rule("CKD504", "other-optimizer", "warning")

FIRES = (Example("a/w [2]\na/w/Adam [2]\na/w/Adam_1 [2]\nbeta1_power []", "a/w [2]\na/w/Momentum [2]"),)
SILENT = (Example("a/w [2]\na/w/Adam [2]\na/w/Adam_1 [2]", "a/w [2]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    declared = [item for item in case.missing if is_state(item.key, "slot")]
    stored = [item for item in case.unexpected if is_state(item.key, "slot")]
    lhs, rhs = _optimizers(item.key for item in declared), _optimizers(item.key for item in stored)
    if lhs and rhs and lhs != rhs:
        yield about_names(
            RULE,
            f"the graph trains with {' and '.join(sorted(lhs))}, the checkpoint was trained with {' and '.join(sorted(rhs))}.",
            "certain",
            declared,
            stored,
            [f"{declared[0].key} against {stored[0].key}: {len(declared)} slots against {len(stored)}."],
            restore_the_rest(case, "the new optimizer"),
        )


def _optimizers(keys: Iterable[str]) -> set[str]:
    """The names that slots give their optimizers, without the numbers of their slots."""
    owned = [key for key in keys if (state := training_state(key)) and state.owner]
    return {re.sub(r"(Optimizer)?(_\d+|_[mv])?$", "", key.rpartition("/")[2]) for key in owned}
