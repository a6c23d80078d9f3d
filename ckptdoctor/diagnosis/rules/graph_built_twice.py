"""graph-built-twice: one process built the network twice.

## What it does
Finds variables and copies of them whose names differ by an added `_1` (`conv2d_13` after thirteen layers, `weight_cl1_1`
beside `weight_cl1`), on one side only.

## Why is this bad
A graph that was built twice wants the copies, which no checkpoint has. A checkpoint of such a process holds both; the
copies that an optimizer trained are the second ones, and a restore by name takes the first, untrained ones, silently.

## Example
A notebook cell that is run again without `tf.reset_default_graph()`.

## Fix safety
Of a graph display only: reset it before building it. Of a checkpoint unsafe: the copies that were trained take the names of
the others, which are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.ops import Drop, Rename
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.tensor import TensorSpec

RULE = Rule("CKD109", "graph-built-twice", "error")
STORED = Rule("CKD109", "graph-built-twice", "warning")

FIRES = (
    Example("a/w [2,3]\nb/w [3,4]\na_1/w [2,3]\nb_1/w [3,4]", "a/w [2,3]\nb/w [3,4]"),
    Example("a [2,3]\nb [3,4]", "a [2,3]\nb [3,4]\na_1 [2,3]\nb_1 [3,4]\na_1/Adam [2,3]\nb_1/Adam [3,4]"),
)
SILENT = (Example("a/w [2,3]\nb/w [3,4]\nb_1/w [3,4]", "a/w [2,3]\nb/w [3,4]\nb_1/w [3,4]"),)

_COPY = re.compile(r"_\d+(?=/|$)")
_FEWEST = 2


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each side that holds the network twice."""
    graph = {variable.key: variable.spec for variable in case.alignment.graph.variables}
    stored = {key: entry.spec for key, entry in case.alignment.inventory.variables.items()}
    extra = _copies(graph, {variable.key for variable in case.missing})
    if extra:
        missing = [variable for variable in case.missing if variable.key in extra or _owner(variable.key) in extra]
        yield about_names(
            RULE,
            f"the graph was built twice in one process: {len(extra)} of its variables are copies.",
            "certain",
            missing,
            (),
            [_shown(extra)],
            (
                Remedy(
                    "start from an empty graph, before anything is built",
                    "display-only",
                    Code.of("tf.compat.v1.reset_default_graph()"),
                ),
            ),
        )
    extra = _copies(stored, {entry.key for entry in case.unexpected})
    if extra:
        owners = {_owner(key) for key in stored if _owner(key)}
        evidence = [_shown(extra)]
        trained = bool(owners & extra.keys()) and not owners & set(extra.values())
        look = own_command("inspect", operand(case.checkpoint))
        remedy = Remedy("look at both: which one was trained?", "display-only", look)
        slots = []
        if trained:
            evidence.append(
                "The optimizer has slots for the copies only: they were trained, and a restore by name takes the others."
            )
            ops = [op for copy, original in extra.items() for op in (Drop(original), Rename(copy, original))]
            title = "drop the untrained variables, and give the trained copies their names"
            remedy = Remedy(title, "unsafe", case.convert_command("--unsafe"), tuple(ops))
            slots = [variable for variable in case.missing if _owner(variable.key) in extra.values()]
        unexpected = [entry for entry in case.unexpected if entry.key in extra or _owner(entry.key) in extra]
        yield about_names(
            STORED,
            f"the process that saved the checkpoint had built its graph twice: {len(extra)} of its variables are copies.",
            "certain" if trained else "likely",
            slots,
            unexpected,
            evidence,
            (remedy,),
        )


def _owner(key: str) -> str:
    state = training_state(key)
    return state.owner if state else ""


def _copies(names: Mapping[str, TensorSpec], one_sided: set[str]) -> dict[str, str]:
    """The copies among the one-sided names, and what each is a copy of; empty if it is not most of the network."""
    network = {key for key in names if training_state(key) is None}
    originals: dict[str, str] = {}
    for key in sorted(one_sided & network):
        for match in _COPY.finditer(key):
            original = key[: match.start()] + key[match.end() :]
            if original in network and original not in one_sided and names[original] == names[key]:
                originals[key] = original
    return originals if len(originals) >= _FEWEST and 3 * len(originals) >= len(network) else {}


def _shown(extra: Mapping[str, str]) -> str:
    return "Copies: " + listed([f"{copy} of {original}" for copy, original in extra.items()], 3) + "."
