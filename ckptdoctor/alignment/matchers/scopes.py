"""Variables that stand under another scope in the checkpoint than in the graph.

A replacement of scopes is believed if it gives at least two variables a key with the same rest of the name and the same
shape. Then it holds for the other variables of that scope too, whose shapes may differ. If two scopes of the checkpoint
fit equally well (towers, an old copy), neither is believed. A rest that says only `kernel` or `bias` proves nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ckptdoctor.alignment.labelled import Labelled
from ckptdoctor.alignment.layer_renamings import SHOWN
from ckptdoctor.alignment.renaming import Ambiguity, Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.libraries.dialects import ROLE_OF
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.tensor import Shape

_FEWEST = 2
_FEWEST_BY_NAME = 4
_MANY = 200
"""Entries that one variable is compared with at most."""

Replacement = tuple[str, str]
Variables = Sequence[Labelled[Variable]]
Entries = Sequence[Labelled[Entry]]


def match(state: Unmatched) -> Matches:
    """The replacements of scopes that explain names that are on one side only."""
    return replaced_scopes(*state.one_sided())


def replaced_scopes(missing: Variables, unexpected: Entries, *, names_alone: bool = True) -> Matches:
    """The replacements of scopes that explain missing variables, the one that explains most first.

    Args:
        missing: the graph's variables.
        unexpected: the checkpoint's entries.
        names_alone: whether names may speak for a network of which no shape agrees.
    """
    left, right = list(missing), list(unexpected)
    renamings: list[Renaming] = []
    ambiguities: list[Ambiguity] = []
    while believed := _believed(left, right, names_alone=names_alone):
        lhs, scopes = believed.lhs, believed.scopes
        pairs = _pairs(left, right, lhs, scopes[0])
        if len(scopes) > 1:
            ambiguities.append(_ambiguity(left, right, lhs, scopes))
        else:
            examples = "; ".join(f"{variable.key} is {entry.key}" for variable, entry in pairs[:SHOWN])
            what = (
                "none in shape: the names speak alone" if believed.by_name else f"{believed.count} of them in shape too"
            )
            evidence = f"{len(pairs)} variables agree in the rest of the name, {what}: {examples}."
            joined = tuple((variable.value, entry.value) for variable, entry in pairs)
            renamings.append(Renaming("scope", lhs, scopes[0], joined, not believed.by_name, evidence))
        explained = {variable.key for variable, _ in pairs}
        taken = {entry.key for _, entry in pairs}
        left = [variable for variable in left if variable.key not in explained]
        right = [entry for entry in right if entry.key not in taken]
    return Matches(renamings=renamings, ambiguities=ambiguities)


@dataclass(frozen=True, slots=True)
class _Believed:
    """The replacement that explains most.

    Attributes:
        lhs: the graph's scope.
        scopes: the checkpoint's that explain as much, the first of which is taken if it is the only one.
        count: how many variables each explains.
        by_name: whether no shape agrees, so that names speak alone.
    """

    lhs: str
    scopes: list[str]
    count: int
    by_name: bool


def _believed(left: Variables, right: Entries, *, names_alone: bool) -> _Believed | None:
    """The replacement that explains most of what is left, and its rivals; None if none is to be believed."""
    networks = sum(training_state(variable.key) is None for variable in left)
    votes = _votes(left, right)
    by_name = not votes or max(votes.values()) < _FEWEST
    if by_name:
        # No shape agrees: another width, say. Names alone must then speak for most of the network.
        votes = _votes(left, right, by_name=True) if names_alone else votes
        if not names_alone or not votes or max(votes.values()) < max(_FEWEST_BY_NAME, 0.6 * networks):
            return None
    ranked = sorted(
        (
            (replacement, count)
            for replacement, count in votes.items()
            if count >= _FEWEST and (2 * count >= networks or not _renumbers(*replacement))
        ),
        key=lambda item: (-item[1], item[0]),
    )
    if not ranked:
        return None
    (lhs, _), most = ranked[0]
    return _Believed(lhs, [scopes[1] for scopes, count in ranked if scopes[0] == lhs and count == most], most, by_name)


def _votes(missing: Variables, unexpected: Entries, *, by_name: bool = False) -> Counter[Replacement]:
    """How many variables each replacement of a scope explains, shape included or, by name, only the rank."""

    def seen(shape: Shape) -> object:
        return len(shape) if by_name else shape

    # By the last component, and by the last few where fewer say too little.
    indexes: list[dict[tuple[str, object], list[Labelled[Entry]]]] = [{}, {}, {}, {}]
    for entry in unexpected:
        for components, index in enumerate(indexes, 1):
            index.setdefault((_end(entry.key, components), seen(entry.spec.shape)), []).append(entry)
    votes: Counter[Replacement] = Counter()
    for variable in missing:
        if training_state(variable.key):
            continue  # slots all end in the same few words: they follow their variables, and prove nothing
        shape = seen(variable.spec.shape)
        candidates: list[Labelled[Entry]] = []
        for components, index in enumerate(indexes, 1):
            candidates = index.get((_end(variable.key, components), shape), [])
            if len(candidates) <= _MANY:
                break
        for entry in candidates[:_MANY]:
            lhs, rhs, rest = _replaced(variable.key, entry.key)
            if rest[-1].lower() not in ROLE_OF or any(not part.isdigit() for part in rest[:-1]):
                votes[lhs, rhs] += 1
    return votes


def _end(key: str, components: int) -> str:
    return "/".join(key.rsplit("/", components)[-components:])


def _replaced(lhs: str, rhs: str) -> tuple[str, str, list[str]]:
    """What is left of two names without the path components that they end in together, and those components."""
    left, right = lhs.split("/"), rhs.split("/")
    shared = 0
    for mine, other in zip(reversed(left), reversed(right), strict=False):
        if mine != other:
            break
        shared += 1
    rest = left[len(left) - shared :]
    length = len("/".join(rest))
    return lhs[: len(lhs) - length], rhs[: len(rhs) - length], rest


def _renumbers(lhs: str, rhs: str) -> bool:
    """Whether two scopes differ in their numbers only: then the numbers must be looked at, not the scopes."""
    return re.sub(r"_?\d+", "", lhs) == re.sub(r"_?\d+", "", rhs)


def _pairs(
    missing: Variables, unexpected: Entries, lhs: str, rhs: str
) -> list[tuple[Labelled[Variable], Labelled[Entry]]]:
    entries = {entry.key: entry for entry in unexpected}
    named = [(variable, rhs + variable.key.removeprefix(lhs)) for variable in missing if variable.key.startswith(lhs)]
    return [(variable, entries[key]) for variable, key in named if key in entries]


def _ambiguity(missing: Variables, unexpected: Entries, lhs: str, scopes: list[str]) -> Ambiguity:
    pairs = [pair for rhs in scopes for pair in _pairs(missing, unexpected, lhs, rhs)]
    variables = tuple({variable.key: variable.value for variable, _ in pairs}.values())
    entries = tuple({entry.key: entry.value for _, entry in pairs}.values())
    listed = ", ".join(scope or "no scope" for scope in scopes)
    evidence = f"The scopes {listed} of the checkpoint fit {lhs or 'no scope'} equally well."
    return Ambiguity("scope", variables, entries, evidence)
