"""multi-gpu-wrapper: one side was built inside a wrapper for several devices.

## What it does
Finds variables that differ by the scope that a wrapper adds: `tower_0/`, `replica_1/`, `gpu_0/`, `module/`, `model_1/` of
Keras's `multi_gpu_model`.

## Why is this bad
Nothing is found, though every value is there.

## Example
`conv1/kernel` in the graph, `tower_0/conv1/kernel` in the checkpoint.

## Fix safety
Safe: the values of one tower are those of the network. Of several towers in one file none is chosen: see
ambiguous-names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.renames import report_renamings

RULE = Rule("CKD110", "multi-gpu-wrapper", "error")

FIRES = (Example("conv/w [3,3]\nfc/w [3,2]", "tower_0/conv/w [3,3]\ntower_0/fc/w [3,2]"),)
SILENT = (Example("conv/w [3,3]\nfc/w [3,2]", "net/conv/w [3,3]\nnet/fc/w [3,2]"),)

_WRAPPER = re.compile(r"^(tower|replica|gpu|clone|device)_?\d*/$|^(module|model_\d+|data_parallel)/$", re.IGNORECASE)


def is_wrapper(renaming: Renaming) -> bool:
    """Whether the scope that one side has more is a wrapper's."""
    sides = (renaming.lhs, renaming.rhs)
    return "" in sides and any(_WRAPPER.match(side) for side in sides)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each wrapper."""
    message = "one side stands in a wrapper for several devices: {lhs} in the graph, {rhs} in the checkpoint."
    yield from report_renamings(case, RULE, ("scope",), message, is_wrapper)
