"""passed-over: a load that raises nothing leaves variables as they are, though the file has their values.

## What it does
Compares what the call does with what is meant, variable by variable, and reports those that keep their own values.

## Why is this bad
Nothing is raised, and often nothing is printed: training goes on from initial values, and evaluation means nothing.

## Example
`load_weights(path, by_name=True)` after the layers were renamed.

## Fix safety
Display only where another call loads the file as it is; else `ckptdoctor convert --graph` puts the values in their places.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs

RULE = Rule("CKD406", "passed-over", "error")

FIRES = (Example("a/w [2]\nb/w [2]", "a/w [2]\nb/w [2]", load="a/w gets a/w"),)
SILENT = (Example("a/w [2]\nb/w [2]", "a/w [2]\nb/w [2]", load="a/w gets a/w\nb/w gets b/w"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    agreement = case.agreement
    if agreement is None or agreement.load.error:
        return
    pairs = [pair for pair in agreement.passed_over if pair.entry.key not in case.covered]
    if not pairs:
        return
    load = agreement.load
    said = load.warnings[:2]
    evidence = [f"It prints: {text}" for text in said] or ["Nothing is printed."]
    yield about_pairs(
        RULE,
        f"{load.call} raises nothing, and {len(pairs)} of {agreement.asked} variables keep their own values, "
        "though the file has theirs.",
        "certain",
        pairs,
        evidence,
        _remedies(case),
    )


def _remedies(case: Case) -> tuple[Remedy, ...]:
    assert case.agreement is not None
    if "by_name=True" in case.agreement.load.call and not case.alignment.renamed:
        restore = Code.of("model.load_weights($path)", path=case.checkpoint)
        return (
            Remedy("load it without by_name: the file has the model's layers in their order", "display-only", restore),
        )
    certain = all(pair.renaming is None or pair.renaming.certain for pair in case.agreement.passed_over)
    command = case.convert_command(*([] if certain else ["--unsafe"]))
    return (
        Remedy("write a file that has every value where the loader looks", "safe" if certain else "unsafe", command),
    )
