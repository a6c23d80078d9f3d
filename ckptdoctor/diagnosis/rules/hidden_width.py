"""hidden-width: one hidden size is another one, wherever it occurs.

## What it does
Finds the one setting behind several differing sizes: a number of units u that is v in the checkpoint, in a layer's
outputs, its bias and the next layer's inputs, and in multiples: four gates of an LSTM (4·u), three of a GRU (3·u), the
inputs of a cell (x + u).

## Why is this bad
One wrong number in a configuration makes many failures. Only the number needs to change.

## Example
`lstm_cell/kernel`: `lhs [612,2048] vs rhs [356,1024]`: 512 units where 256 were trained (4 x 512 and 4 x 256).

## Fix safety
Display only: set the size of training.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, changes
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.parameters import keyword
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD212", "hidden-width", "error")

FIRES = (
    Example(
        "rnn/lstm_cell/kernel [612,2048]\nrnn/lstm_cell/bias [2048]\nout/w [512,10]\nout/b [10]",
        "rnn/lstm_cell/kernel [356,1024]\nrnn/lstm_cell/bias [1024]\nout/w [256,10]\nout/b [10]",
    ),
    Example(
        "net/fc1/w [8,64]\nnet/fc1/b [64]\nnet/fc2/w [64,10]\nnet/fc2/b [10]",
        "net/fc1/w [8,48]\nnet/fc1/b [48]\nnet/fc2/w [48,10]\nnet/fc2/b [10]",
    ),
)
SILENT = (Example("net/fc1/w [8,64]\nnet/o/w [2,10]", "net/fc1/w [8,48]\nnet/o/w [2,10]"),)

_GATES = ((4, re.compile(r"lstm", re.IGNORECASE), "gates"), (3, re.compile(r"gru", re.IGNORECASE), "gates"))
_FACTORS = (1, 2, 3, 4, 6, 8)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each size, the one that explains most first."""
    left = {pair.entry.key: (pair, changes(pair)) for pair in case.mismatched if not training_state(pair.variable.key)}
    left = {key: item for key, item in left.items() if item[1]}
    while left:
        (units, explained) = _best([differing for _, differing in left.values()])
        pairs = [left[key][0] for key in left if key in explained]
        if len(pairs) < 2:
            return
        for key in explained:
            del left[key]
        yield _diagnose(case, units, pairs)


def _best(differing: list[tuple[Change, ...]]) -> tuple[tuple[int, int], set[str]]:
    """The two sizes that explain most variables, the smallest of those that explain as many."""
    candidates: Counter[tuple[int, int]] = Counter()
    explained: dict[tuple[int, int], set[str]] = {}
    for units in sorted({unit for items in differing for change in items for unit in _units(change)}):
        keys = {items[0].pair.entry.key for items in differing if all(_follows(change, *units) for change in items)}
        explained[units] = keys
        candidates[units] = len(keys)
    best = max(candidates, key=lambda units: (candidates[units], _named(units, differing), units))
    return best, explained[best]


def _units(change: Change) -> list[tuple[int, int]]:
    """The sizes that this one may be a multiple of."""
    name = change.pair.variable.name
    counts = [1, *(gates for gates, pattern, _ in _GATES if pattern.search(name))]
    return [
        (change.lhs // count, change.rhs // count) for count in counts if change.lhs % count == change.rhs % count == 0
    ]


def _follows(change: Change, lhs: int, rhs: int) -> bool:
    """Whether a size is a multiple of the units, or something else and the units."""
    if any((change.lhs, change.rhs) == (lhs * factor, rhs * factor) for factor in _FACTORS):
        return True
    return not change.last and change.lhs - lhs == change.rhs - rhs > 0


def _named(units: tuple[int, int], differing: list[tuple[Change, ...]]) -> int:
    """How many recurrent kernels have these units as the size of a gate."""
    return sum(
        (change.lhs, change.rhs) == (units[0] * gates, units[1] * gates)
        for items in differing
        for change in items
        for gates, pattern, _ in _GATES
        if pattern.search(change.pair.variable.name)
    )


def _diagnose(case: Case, units: tuple[int, int], pairs: list[Pair]) -> Diagnostic:
    lhs, rhs = units
    sizes = {(change.lhs, change.rhs): change for pair in pairs for change in changes(pair)}
    evidence = []
    for (a, b), change in sizes.items():
        if (a, b) == units:
            continue
        if a % lhs == 0 and a // lhs * rhs == b:
            count = a // lhs
            what = next(
                (word for gates, p, word in _GATES if gates == count and p.search(change.pair.variable.name)), ""
            )
            evidence.append(f"{a} = {count} {what + ' ' if what else ''}x {lhs} and {b} = {count} x {rhs}.")
        else:
            evidence.append(f"{a} = {a - lhs} + {lhs} and {b} = {b - rhs} + {rhs}.")
    evidence = evidence or [f"Every size that differs is {lhs} in the graph and {rhs} in the checkpoint."]
    return about_pairs(
        RULE,
        f"a hidden size is {lhs} in the graph and {rhs} in the checkpoint, in {len(pairs)} variables.",
        "certain" if len(pairs) > 2 else "likely",
        pairs,
        evidence,
        (
            Remedy(
                "set the hidden size (units, hidden_size, filters) of training",
                "display-only",
                keyword(case, "units|hidden|width|size|filters|dim", {lhs: rhs}),
            ),
        ),
    )
