"""Variables that stand under another scope in the checkpoint than in the graph.

A replacement of scopes is believed if it gives at least two variables a key with the same rest of the name, the same
shape and the same dtype. Then it holds for the other variables of that scope too, whose shapes may differ. If two scopes
of the checkpoint fit equally well (towers, an old copy), neither is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ckptdoctor.alignment.training_state import training_state
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

_FEWEST = 2


@dataclass(frozen=True, slots=True)
class ScopeMatch:
    """A scope of the graph and the scopes of the checkpoint that fit it; more than one is ambiguous.

    Attributes:
        lhs: the graph's scope, empty or ending in a slash.
        rhs: the checkpoint's.
        pairs: the variables and the entries of the first of `rhs`, in the graph's order.
    """

    lhs: str
    rhs: tuple[str, ...]
    pairs: tuple[tuple[Variable, Entry], ...]


def match_scopes(missing: Sequence[Variable], unexpected: Sequence[Entry]) -> tuple[ScopeMatch, ...]:
    """The replacements of scopes that explain missing variables, the one that explains most first."""
    left, right = list(missing), list(unexpected)
    matches = []
    while votes := _votes(left, right):
        (best, count), *others = sorted(votes.items(), key=lambda item: (-item[1], item[0]))
        if count < _FEWEST:
            break
        lhs, rhs = best
        rivals = tuple(other[1] for other, votes_for in others if other[0] == lhs and votes_for == count)
        pairs = _pairs(left, right, lhs, rhs)
        matches.append(ScopeMatch(lhs, (rhs, *rivals), pairs))
        explained = {variable.key for variable, _ in pairs}
        taken = {entry.key for _, entry in pairs}
        left = [variable for variable in left if variable.key not in explained]
        right = [entry for entry in right if entry.key not in taken]
    return tuple(matches)


def _votes(missing: Sequence[Variable], unexpected: Sequence[Entry]) -> Counter[tuple[str, str]]:
    """How many variables each replacement of a scope explains, shape and dtype included."""
    by_leaf: dict[tuple[str, object], list[Entry]] = {}
    for entry in unexpected:
        by_leaf.setdefault((entry.key.rpartition("/")[2], entry.spec), []).append(entry)
    votes: Counter[tuple[str, str]] = Counter()
    for variable in missing:
        if training_state(variable.key):
            continue  # slots all end in the same few words: they follow their variables, and prove nothing
        for entry in by_leaf.get((variable.key.rpartition("/")[2], variable.spec), ()):
            votes[_replaced(variable.key, entry.key)] += 1
    return votes


def _replaced(lhs: str, rhs: str) -> tuple[str, str]:
    """What is left of two names without the path components that they end in together."""
    left, right = lhs.split("/"), rhs.split("/")
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return "".join(f"{part}/" for part in left), "".join(f"{part}/" for part in right)


def _pairs(
    missing: Sequence[Variable], unexpected: Sequence[Entry], lhs: str, rhs: str
) -> tuple[tuple[Variable, Entry], ...]:
    entries = {entry.key: entry for entry in unexpected}
    named = [(variable, rhs + variable.key.removeprefix(lhs)) for variable in missing if variable.key.startswith(lhs)]
    return tuple((variable, entries[key]) for variable, key in named if key in entries)
