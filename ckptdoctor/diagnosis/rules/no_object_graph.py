"""no-object-graph: the checkpoint has no object graph, so `tf.train.Checkpoint.restore` finds nothing in it.

## What it does
Finds checkpoints whose keys are those of the program's objects and which lack the object graph itself: written by a
`Saver`, or by a script that edited or averaged another checkpoint.

## Why is this bad
`tf.train.Checkpoint.restore` goes from object to object. Without the graph it restores nothing and raises nothing.

## Example
`model/dense/kernel/.ATTRIBUTES/VARIABLE_VALUE` saved again by `tf.compat.v1.train.Saver`.

## Fix safety
Safe: the keys are the program's own. `ckptdoctor convert --graph` writes the object graph beside the same values.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.ops import Rename
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY

RULE = Rule("CKD402", "no-object-graph", "error")

FIRES = (Example("a/w [2]\nb/w [2]", "a/w [2]\nb/w [2]", load="tf.train.Checkpoint(...).restore(path)"),)
SILENT = (
    Example(
        "a/w [2]\nb/w [2]",
        "a/w [2]\nb/w [2]",
        load="tf.train.Checkpoint(...).restore(path)\na/w gets a/w\nb/w gets b/w",
    ),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    agreement, entries = case.agreement, case.alignment.inventory.entries
    if agreement is None or "Checkpoint(" not in agreement.load.call or OBJECT_GRAPH_KEY in entries:
        return
    pairs = [pair for pair in agreement.passed_over if pair.entry.key not in case.covered]
    if not pairs:
        return
    restored = len(agreement.right) + len(agreement.other) + len(agreement.reshaped)
    yield about_pairs(
        RULE,
        f"the checkpoint has no object graph: {restored} of {agreement.asked} variables are restored.",
        "certain",
        pairs,
        ["tf.train.Checkpoint.restore goes from object to object, and these keys alone lead nowhere."],
        (
            Remedy(
                "write what restores by the program's objects",
                "safe",
                case.convert_command(),
                tuple(Rename(pair.entry.key, pair.variable.key) for pair in pairs if pair.renamed),
            ),
            Remedy("or restore by name, as it was saved: tf.compat.v1.train.Saver with these keys", "display-only"),
        ),
    )
