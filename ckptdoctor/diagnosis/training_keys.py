"""One report for all keys of one kind of training state."""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.restoring import restore_the_rest
from ckptdoctor.libraries.training_state import Kind, is_state

_LISTED = 3


def report_training_keys(
    case: Case, missing_rule: Rule, unexpected_rule: Rule, kind: Kind, noun: str, subject: str
) -> Iterator[Diagnostic]:
    """A finding for all missing keys of a kind, and one for all unexpected ones."""
    missing = [variable for variable in case.missing if is_state(variable.key, kind)]
    if missing:
        keys = [variable.key for variable in missing]
        yield Diagnostic(
            missing_rule,
            f"{_count(keys, noun)} of the graph: not in the checkpoint.",
            "certain",
            missing[0].name,
            keys[0],
            missing[0].spec,
            None,
            (f"{listed(keys, _LISTED)}.",),
            missing[0].location,
            restore_the_rest(case, subject),
            frozenset(keys),
        )
    unexpected = [entry for entry in case.unexpected if is_state(entry.key, kind)]
    if unexpected:
        keys = [entry.key for entry in unexpected]
        yield Diagnostic(
            unexpected_rule,
            f"{_count(keys, noun)} of the checkpoint: not in the graph. A restore leaves them alone.",
            "certain",
            "",
            keys[0],
            None,
            unexpected[0].spec,
            (f"{listed(keys, _LISTED)}.",),
            covers=frozenset(keys),
        )


def _count(keys: list[str], noun: str) -> str:
    return f"{len(keys)} {noun}{'' if len(keys) == 1 else 's'}"
