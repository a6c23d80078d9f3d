"""layers-at-top-level: a legacy HDF5 file has another number of layers than the model at its top level.

## What it does
Reports the number of layers with weights that Keras's legacy loader compares first, where every variable of the model is
in the file all the same: a backbone that is nested on one side, or a layer that the model lacks.

## Why is this bad
The loader pairs the top-level layers one by one and raises `Layer count mismatch` before it loads anything.

## Example
A backbone within a model, and a file of the same layers without the nesting.

## Fix safety
Safe where every variable has its value: written as `.weights.h5`, which goes by places, the file loads.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD403", "layers-at-top-level", "error")

_SIGN = "Layer count mismatch"

FIRES = (
    Example(
        "a/w [2]\nb/w [3]",
        "a/w [2]\nb/w [3]",
        load="raises ValueError: Layer count mismatch when loading weights from file. "
        "Model expected 1 layers, found 2 saved layers.",
    ),
)
SILENT = (Example("a/w [2]", "a/w [2]", load="a/w gets a/w"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    agreement = case.agreement
    if case.load_is_explained or agreement is None or _SIGN not in agreement.load.error:
        return
    pairs = case.alignment.pairs
    whole = not case.alignment.missing and all(pair.same_shape for pair in pairs)
    certain = whole and all(pair.renaming is None or pair.renaming.certain for pair in pairs)
    remedy = Remedy(
        "write it as .weights.h5, which goes by places: no byte of data changes",
        "safe" if certain else "unsafe",
        case.convert_command(*([] if certain else ["--unsafe"])),
    )
    yield Diagnostic(
        RULE,
        "the numbers of layers with weights differ at the top level, and Keras's legacy loader loads nothing.",
        "certain",
        pairs[0].variable.name if pairs else "",
        pairs[0].entry.key if pairs else next(iter(case.alignment.inventory.variables), ""),
        evidence=(agreement.load.error, "A model within the model is one layer there."),
        remedies=(remedy,),
    )
