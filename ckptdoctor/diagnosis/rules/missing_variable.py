"""missing-variable: the graph has variables that the checkpoint lacks.

## What it does
Reports the variables without a key, one finding for each part of the graph of which nothing is in the checkpoint, with the
keys that look most like them.

## Why is this bad
`Saver().restore` fails with `Key … not found in checkpoint`; a filtered restore leaves the variables random.

## Example
`fc9/weights` and `fc9/biases`: a layer that the checkpoint's network did not have.

## Fix safety
Display only.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.diagnosis.restoring import leave_out
from ckptdoctor.specs.graph import Variable

RULE = Rule("CKD101", "missing-variable", "error")

FIRES = (Example("a/w [2]\nhead/w [2,3]", "a/w [2]"),)
SILENT = (Example("a/w [2]", "a/w [2]\nb/w [2]"),)

_COMPARED, _CANDIDATES = 50, 500


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each part of the graph that is missing."""
    groups: dict[str, list[Variable]] = {}
    present = _scopes([pair.variable.key for pair in case.alignment.pairs])
    for variable in case.missing:
        groups.setdefault(_part(variable.key, present), []).append(variable)
    unexpected = {entry.key: entry for entry in case.unexpected}
    for number, (part, variables) in enumerate(groups.items()):
        # Looking for similar names is slow, and of use to a person who reads the first few.
        yield _diagnose(case, part, variables, list(unexpected) if number < _COMPARED else [])


def _scopes(keys: list[str]) -> set[str]:
    """Every scope of some keys, and the keys."""
    return {key[:end] for key in keys for end in [*(i for i, letter in enumerate(key) if letter == "/"), len(key)]}


def _part(key: str, present: set[str]) -> str:
    """The outermost scope of a key of which nothing is present; the key itself if there is none."""
    for end, letter in enumerate(key):
        if letter == "/" and key[:end] not in present:
            return key[:end]
    return key


def _common_scope(keys: list[str]) -> str:
    """The innermost scope that all keys are in."""
    scopes = [key.split("/")[:-1] for key in keys]
    common = []
    for parts in zip(*scopes, strict=False):
        if len(set(parts)) > 1:
            break
        common.append(parts[0])
    return "/".join(common)


def _diagnose(case: Case, part: str, variables: list[Variable], unexpected: list[str]) -> Diagnostic:
    first = variables[0]
    if len(variables) > 1:
        part = _common_scope([item.key for item in variables]) or part
    evidence = ["No key of this name is in the checkpoint."]
    if len(variables) > 1:
        evidence = [f"{len(variables)} variables of {part}: {listed([item.key for item in variables])}."]
    same = [key for key in unexpected if case.alignment.inventory.entries[key].spec == first.spec]
    close = get_close_matches(first.key, same[:_CANDIDATES], n=2, cutoff=0.6)
    if close:
        evidence.append(f"Unclaimed keys of the same shape: {', '.join(close)}.")
    message = "the graph has this variable, the checkpoint does not."
    if len(variables) > 1:
        message = f"the graph has {part}, the checkpoint does not."
    return about_names(RULE, message, "certain", variables, (), evidence, leave_out(case, part))
