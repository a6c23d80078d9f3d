"""averages-only: the checkpoint holds moving averages in place of the variables.

## What it does
Finds variables whose raw value is missing and whose moving average (`weights/ExponentialMovingAverage`) is there.

## Why is this bad
A restore by name finds nothing, though an export of the averages is what evaluation wants.

## Example
`conv1/weights` in the graph, `conv1/weights/ExponentialMovingAverage` in the checkpoint.

## Fix safety
Safe for inference: the averages take the variables' names. Nothing else of these names is in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.diagnosis.left_out import restorable
from ckptdoctor.diagnosis.restoring import map_code
from ckptdoctor.libraries.training_state import AVERAGE, averaged_variable
from ckptdoctor.ops import Rename

RULE = Rule("CKD505", "averages-only", "error")

FIRES = (Example("a/w [2,3]\nb/w [3,4]", "a/w/ExponentialMovingAverage [2,3]\nb/w/ExponentialMovingAverage [3,4]"),)
SILENT = (Example("a/w [2,3]", "a/w [2,3]\na/w/ExponentialMovingAverage [2,3]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    averages = {variable: entry for entry in case.unexpected if (variable := averaged_variable(entry.key))}
    exchanged = [(item, averages[item.key]) for item in case.missing if item.key in averages]
    exchanged = [(variable, entry) for variable, entry in exchanged if variable.spec == entry.spec]
    if exchanged:
        ops = tuple(Rename(entry.key, variable.key) for variable, entry in exchanged)
        yield about_names(
            RULE,
            f"the checkpoint holds the moving averages of {len(exchanged)} variables and not the variables.",
            "certain",
            [variable for variable, _ in exchanged],
            [entry for _, entry in exchanged],
            [f"{exchanged[0][1].key} has the shape of {exchanged[0][0].key}."],
            (
                Remedy("give the averages the variables' names", "safe", case.convert_command(), ops),
                *_map_of_names(case, {variable.key: entry.key for variable, entry in exchanged}),
            ),
        )


def _map_of_names(case: Case, averages: dict[str, str]) -> tuple[Remedy, ...]:
    """The restore that gives each variable its average, and each variable that has none its own value."""
    if not case.alignment.graph.has_saver or not case.alignment.inventory.has_saver:
        return ()
    pairs = restorable(case.alignment, given=averages)
    own = {key: pair.entry.key for key, pair in pairs.items() if pair.entry.key == key}
    code = map_code(case, f"v.op.name + {AVERAGE!r}", lambda name: name + AVERAGE, averages, also=own)
    return () if code is None else (Remedy("or restore them with a map of names", "display-only", code),)
