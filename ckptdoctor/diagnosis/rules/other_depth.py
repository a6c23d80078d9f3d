"""other-depth: the numbered layers go further on one side, or the network is another variant.

## What it does
Finds families of numbered layers (`encoder/layer_7`, `block3/unit_4`) of which one side has more, and names that tell
another variant (ALBERT's shared group for BERT's layers).

## Why is this bad
A deeper graph misses keys. A shallower one loads without a word, and is a truncated network: often that is what is meant,
so it is `info`. A layer that is left out *between* others is [layer-between](CKD408.md).

## Example
The graph has `layer_0` to `layer_23`, the checkpoint `layer_0` to `layer_11`: large against base.

## Fix safety
Display only: build the variant that the checkpoint is of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ckptdoctor.alignment.layers import Named
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD108", "other-depth", "error")

FIRES = (
    Example(
        "e/layer_0/w [4,4]\ne/layer_1/w [4,4]\ne/layer_2/w [4,4]\ne/layer_3/w [4,4]",
        "e/layer_0/w [4,4]\ne/layer_1/w [4,4]",
    ),
    Example(
        "bert/encoder/layer_0/w [4,4]\nbert/encoder/layer_1/w [4,4]\nbert/e [9,4]",
        "bert/encoder/transformer/group_0/inner_group_0/w [4,4]\nbert/e [9,4]",
    ),
)
SILENT = (Example("e/layer_0/w [4,4]\nhead/w [4,7]", "e/layer_0/w [4,4]"),)

_NUMBER = re.compile(r"(?<=[a-zA-Z_-])\d+(?=[/_a-z])")
_VARIANTS = (
    (
        re.compile(r"(^|/)group_\d+/inner_group_\d+/|embedding_hidden_mapping_in"),
        "ALBERT, whose layers share one group",
    ),
    (re.compile(r"(^|/)(generator|discriminator)_predictions/"), "ELECTRA"),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each family that is longer on one side, and one for each sign of another variant."""
    yield from _variants(case)
    stored = set(case.alignment.inventory.variables)
    # Found names are common to both sides; a family that has none in common is another network, not another depth.
    common = {pair.entry.key for pair in case.alignment.pairs} & stored
    yield from _longer(case, case.missing, common, graph=True)
    yield from _longer(case, case.unexpected, common, graph=False)


def _longer(case: Case, extra: Sequence[Named], common: set[str], *, graph: bool) -> Iterator[Diagnostic]:
    shared: dict[str, set[int]] = {}
    for key in common:
        for stem, number in _numbers(key):
            shared.setdefault(stem, set()).add(number)
    families: dict[str, list[tuple[int, Named]]] = {}
    for item in extra:
        if training_state(item.key):
            continue
        # The outermost number that goes further than the other side's.
        beyond = ((s, n) for s, n in _numbers(item.key) if s in shared and n > max(shared[s]))
        stem, number = next(beyond, ("", 0))
        if stem:
            families.setdefault(stem, []).append((number, item))
    for stem, members in families.items():
        numbers = {number for number, _ in members}
        deep, shallow = len(shared[stem] | numbers), len(shared[stem])
        keys = {item.key for _, item in members}
        missing = [variable for variable in case.missing if variable.key in keys]
        unexpected = [entry for entry in case.unexpected if entry.key in keys]
        sides = ("the graph", "the checkpoint") if graph else ("the checkpoint", "the graph")
        evidence = [f"{stem}N: N is up to {max(numbers)} in {sides[0]} and up to {max(shared[stem])} in {sides[1]}."]
        if not graph:
            evidence.append("A restore says nothing, and the graph is a truncated network.")
        rule = RULE if graph else Rule(RULE.code, RULE.name, "info")
        yield about_names(
            rule,
            f"{sides[0]} has {deep} of these layers, {sides[1]} {shallow}.",
            "certain" if shallow > 1 else "likely",
            missing,
            unexpected,
            evidence,
            (Remedy(f"build the variant of the checkpoint: {shallow if graph else deep} layers", "display-only"),),
        )


def _numbers(key: str) -> Iterator[tuple[str, int]]:
    """Each number of a name with what stands before it."""
    for match in _NUMBER.finditer(key):
        yield key[: match.start()], int(match[0])


def _variants(case: Case) -> Iterator[Diagnostic]:
    for pattern, what in _VARIANTS:
        missing = [variable for variable in case.missing if pattern.search(variable.key)]
        unexpected = [entry for entry in case.unexpected if pattern.search(entry.key)]
        if bool(missing) == bool(unexpected):
            continue
        side = "graph" if missing else "checkpoint"
        other = "checkpoint" if missing else "graph"
        # Without its layers nothing of the encoder is left to compare.
        layers = re.compile(r"encoder/layer_\d+/")
        rest_missing = [variable for variable in case.missing if layers.search(variable.key)] if unexpected else missing
        rest_unexpected = [entry for entry in case.unexpected if layers.search(entry.key)] if missing else unexpected
        if not (rest_missing or missing):
            continue
        yield about_names(
            RULE,
            f"the {side} is {what}; the {other} is not.",
            "certain",
            rest_missing or missing,
            rest_unexpected or unexpected,
            [f"{listed([item.key for item in (missing or unexpected)])} tell it."],
            (Remedy("build the variant that the checkpoint is of", "display-only"),),
        )
