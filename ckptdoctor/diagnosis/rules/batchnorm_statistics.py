"""batchnorm-statistics: moving means and variances were never saved.

## What it does
Finds normalised layers whose `moving_mean` and `moving_variance` are missing while the rest of the network is there.

## Why is this bad
A `Saver(tf.trainable_variables())` leaves them out, because they are not trained. Without them the network normalises
with zeros and ones: evaluation fails, or is wrong.

## Example
`conv1/BatchNorm/moving_mean not found in checkpoint`.

## Fix safety
Display only: the numbers are gone. Estimate them by running training data through the network, and save all variables.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries.batch_norm import STATISTICS
from ckptdoctor.libraries.name import read_name

RULE = Rule("CKD113", "batchnorm-statistics", "error")

FIRES = (
    Example(
        "n/bn/gamma [8]\nn/bn/beta [8]\nn/bn/moving_mean [8]\nn/bn/moving_variance [8]", "n/bn/gamma [8]\nn/bn/beta [8]"
    ),
)
SILENT = (Example("n/w [8]\nn/bn/gamma [8]\nn/bn/beta [8]\nn/bn/moving_mean [8]\nn/bn/moving_variance [8]", "n/w [8]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """One finding for all statistics of layers whose gamma or beta is there."""
    present = {
        read_name(pair.variable.key).scope
        for pair in case.alignment.pairs
        if read_name(pair.variable.key).role in ("gamma", "beta")
    }
    unsaved = []
    for variable in case.missing:
        name = read_name(variable.key)
        if name.role in STATISTICS and name.scope in present:
            unsaved.append(variable)
    stored = any(read_name(key).role in STATISTICS for key in case.alignment.inventory.variables)
    if unsaved and not stored:
        save = Remedy(
            "save all variables next time",
            "display-only",
            Code.of("saver = tf.compat.v1.train.Saver(tf.compat.v1.global_variables())")
            if case.alignment.graph.has_saver
            else None,
        )
        yield about_names(
            RULE,
            f"{len(unsaved)} moving averages of BatchNorm were not saved.",
            "certain",
            unsaved,
            (),
            [
                f"{listed([item.key for item in unsaved], 3)}: their gamma or beta is there, and no statistics of any layer are."
            ],
            (save,),
        )
