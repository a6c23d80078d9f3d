"""layer-between: the checkpoint has a layer, or a bias, between those that the graph has.

## What it does
Finds stored variables that the graph lacks and that stand between variables which it has: a bias beside a kernel,
normalisation behind it, a layer whose number or place in the file lies between two that are restored.

## Why is this bad
Everything loads without a word, and the graph computes something else than the network that was trained. What comes behind
the last layer that the graph has, such as another head, changes nothing and is [unexpected-key](CKD102.md).

## Example
`conv1/BatchNorm/gamma` in the checkpoint, and `conv1/weights` alone in the graph.

## Fix safety
Display only: build the layer, or fold it into the one before (`ckptdoctor convert --fold-batchnorm`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries import batch_norm
from ckptdoctor.libraries.name import read_entry
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.inventory import Entry

RULE = Rule("CKD408", "layer-between", "warning")

FIRES = (
    Example("n/a/w [3,3,3,8]\nn/b/w [3,3,8,8]", "n/a/w [3,3,3,8]\nn/a/biases [8]\nn/b/w [3,3,8,8]"),
    Example("n/a/w [3,8]\nn/b/w [8,2]", "n/a/w [3,8]\nn/a/BatchNorm/gamma [8]\nn/b/w [8,2]"),
    Example("u_1/w [8,8]\nu_3/w [8,8]", "u_1/w [8,8]\nu_2/w [8,8]\nu_3/w [8,8]"),
)
SILENT = (
    Example("fc6/w [4,8]\nfc7/w [8,8]", "fc6/w [4,8]\nfc7/w [8,8]\nfc8/w [8,9]\nfc8/b [9]"),
    Example("u_1/w [8,8]\nu_2/w [8,8]", "u_1/w [8,8]\nu_2/w [8,8]\nu_3/w [8,8]"),
)

_NUMBER = re.compile(r"(?<=[a-zA-Z_-])\d+(?=[/_a-z])")


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    # What may be a missing variable under another name is another matter.
    missing = {variable.spec.shape for variable in case.missing}
    left_over = [
        entry for entry in case.unexpected if training_state(entry.key) is None and entry.spec.shape not in missing
    ]
    stored = [pair.entry for pair in case.alignment.pairs if training_state(pair.entry.key) is None]
    if not left_over or not stored:
        return
    keys = _within(left_over, stored) | _by_number(left_over, stored) | _by_group(case, left_over, stored)
    keys |= _norms(left_over, stored)
    between = [entry for entry in left_over if entry.key in keys]
    if between:
        yield about_names(
            RULE,
            "the checkpoint has this between variables of the graph; without it the graph computes something else.",
            "likely",
            (),
            between,
            [f"{len(between)} keys: {listed([entry.key for entry in between])}.", "A restore leaves them alone."],
            (
                Remedy("build the layer as it was trained", "display-only"),
                Remedy(
                    "or fold normalisation into the kernels before it: ckptdoctor convert --fold-batchnorm",
                    "display-only",
                ),
            )
            if any(_is_norm(entry) for entry in between)
            else (Remedy("build the layer as it was trained", "display-only"),),
        )


def _within(left_over: Sequence[Entry], stored: Sequence[Entry]) -> set[str]:
    """What stands in the scope of a layer that has a kernel in the graph: its bias, its normalisation."""
    layers = {read_entry(entry).scope for entry in stored if len(entry.spec.shape) > 1} - {""}
    keys = set()
    for entry in left_over:
        name = read_entry(entry)
        if (name.scope in layers and name.role == "bias") or (
            _is_norm(entry) and name.scope.rpartition("/")[0] in layers
        ):
            keys.add(entry.key)
    return keys


def _by_number(left_over: Sequence[Entry], stored: Sequence[Entry]) -> set[str]:
    """What has a number between two numbers of the same names."""
    numbers: dict[str, set[int]] = {}
    for entry in stored:
        for stem, number in _numbers(entry.key):
            numbers.setdefault(stem, set()).add(number)
    return {
        entry.key
        for entry in left_over
        for stem, number in _numbers(entry.key)
        if stem in numbers and min(numbers[stem]) < number < max(numbers[stem]) and number not in numbers[stem]
    }


def _by_group(case: Case, left_over: Sequence[Entry], stored: Sequence[Entry]) -> set[str]:
    """What stands between layers in a file that records their order."""
    groups = case.alignment.inventory.groups
    if any(group.path.rpartition("/")[2] == "vars" for group in groups):
        return set()  # in the order of their places, which is none of layers
    position = {key: number for number, group in enumerate(groups) for key in group.keys}
    known = [position[entry.key] for entry in stored if entry.key in position]
    return {
        entry.key
        for entry in left_over
        if known and entry.key in position and min(known) < position[entry.key] < max(known)
    }


def _norms(left_over: Sequence[Entry], stored: Sequence[Entry]) -> set[str]:
    """Normalisation for which no kernel is left over that it could stand behind: it stands behind one of the graph's."""
    kernels = Counter(entry.spec.shape[-1] for entry in left_over if len(entry.spec.shape) > 1)
    widths = {entry.spec.shape[-1] for entry in stored if len(entry.spec.shape) > 1}
    layers: dict[str, list[Entry]] = {}
    for entry in left_over:
        if _is_norm(entry) and len(entry.spec.shape) == 1:
            layers.setdefault(read_entry(entry).scope, []).append(entry)
    keys: set[str] = set()
    by_width = Counter(entries[0].spec.shape[0] for entries in layers.values())
    for entries in layers.values():
        width = entries[0].spec.shape[0]
        statistics = any(read_entry(entry).role in batch_norm.STATISTICS for entry in entries)
        if statistics and width in widths and by_width[width] > kernels[width]:
            keys.update(entry.key for entry in entries)
    return keys


def _is_norm(entry: Entry) -> bool:
    return read_entry(entry).role in batch_norm.ROLES


def _numbers(key: str) -> Iterator[tuple[str, int]]:
    """Each number of a name with what stands before it."""
    for match in _NUMBER.finditer(key):
        yield key[: match.start()], int(match[0])
