"""quantization-variables: the graph was rewritten for quantisation, the checkpoint was not.

## What it does
Recognises the ranges that a quantisation rewrite adds (`act_quant/min`, `weights_quant/max`, `quantize_layer`).

## Why is this bad
A checkpoint of the float network has none of them, so the restore of the rewritten graph fails.

## Example
`conv1/weights_quant/min not found in checkpoint`.

## Fix safety
Display only: restore before the rewrite, or restore the others only and let training find the ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names

RULE = Rule("CKD114", "quantization-variables", "error")

FIRES = (
    Example("c/w [2,2]\nc/weights_quant/min []\nc/weights_quant/max []\nc/act_quant/c/act_quant/min []", "c/w [2,2]"),
)
SILENT = (Example("c/w [2,2]\nc/minimum []", "c/w [2,2]"),)

_QUANTIZED = re.compile(r"(^|/)(\w*_)?quant(ize)?(_\w+)?/", re.IGNORECASE)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    missing = [variable for variable in case.missing if _QUANTIZED.search(variable.key)]
    if missing:
        yield about_names(
            RULE,
            f"{len(missing)} variables were added by a quantisation rewrite, and the checkpoint is of the float network.",
            "certain",
            missing,
            (),
            [f"{listed([item.key for item in missing], 3)}."],
            (Remedy("restore before tf.contrib.quantize.create_training_graph, or leave these out", "display-only"),),
        )
