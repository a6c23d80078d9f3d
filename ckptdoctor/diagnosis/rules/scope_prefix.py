"""scope-prefix: the same variables stand under another scope.

## What it does
Finds variables that the graph has under one scope and the checkpoint under another (or under none), the rest of the name,
the shape and the dtype being the same.

## Why is this bad
Everything is reported as missing and unexpected at once, though every value is there.

## Example
`model/conv1/weights` in the graph, `tower_0/conv1/weights` in the checkpoint.

## Fix safety
Safe where the scope maps to one other scope only, one variable to one key. If two scopes of the checkpoint fit equally,
nothing is guessed: both are named, and the variables stay missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.ops import Rename

RULE = Rule("CKD103", "scope-prefix", "error")

_FEWEST = 2
_SHOWN = 3

Scopes = tuple[str, str]
"""A scope of the graph and one of the checkpoint, each empty or ending in a slash."""


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each scope that was replaced, the one that explains most first."""
    missing, unexpected = list(case.missing), list(case.unexpected)
    while votes := _votes(missing, unexpected):
        (scopes, count), *others = votes.most_common()
        if count < _FEWEST:
            return
        pairs = _pairs(missing, unexpected, scopes)
        # The same variables under two scopes of the checkpoint (towers, an old copy): a person must choose.
        rivals = [other for other, votes_for in others if other[0] == scopes[0] and votes_for == count]
        yield _diagnose(case, scopes, pairs, [other[1] for other in rivals])
        missing = [variable for variable in missing if variable not in {pair[0] for pair in pairs}]
        unexpected = [entry for entry in unexpected if entry not in {pair[1] for pair in pairs}]


def _votes(missing: list[Variable], unexpected: list[Entry]) -> Counter[Scopes]:
    """How many variables each replacement of a scope would explain."""
    by_leaf: dict[tuple[str, object], list[Entry]] = {}
    for entry in unexpected:
        by_leaf.setdefault((entry.key.rpartition("/")[2], entry.spec), []).append(entry)
    votes: Counter[Scopes] = Counter()
    for variable in missing:
        for entry in by_leaf.get((variable.key.rpartition("/")[2], variable.spec), ()):
            votes[_scopes(variable.key, entry.key)] += 1
    return votes


def _scopes(lhs: str, rhs: str) -> Scopes:
    """What is left of two names without the path components that they end in together."""
    left, right = lhs.split("/"), rhs.split("/")
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return "".join(f"{part}/" for part in left), "".join(f"{part}/" for part in right)


def _pairs(missing: list[Variable], unexpected: list[Entry], scopes: Scopes) -> list[tuple[Variable, Entry]]:
    entries = {entry.key: entry for entry in unexpected}
    pairs = []
    for variable in missing:
        if variable.key.startswith(scopes[0]):
            entry = entries.get(scopes[1] + variable.key.removeprefix(scopes[0]))
            if entry is not None and entry.spec == variable.spec:
                pairs.append((variable, entry))
    return pairs


def _diagnose(case: Case, scopes: Scopes, pairs: list[tuple[Variable, Entry]], rivals: list[str]) -> Diagnostic:
    graph_scope, stored_scope = (scope or "no scope" for scope in scopes)
    first, entry = pairs[0]
    examples = "; ".join(f"{variable.key} is {stored.key}" for variable, stored in pairs[:_SHOWN])
    evidence = [f"{len(pairs)} variables agree in the rest of the name, in shape and in dtype: {examples}."]
    remedies: tuple[Remedy, ...] = ()
    if rivals:
        evidence.append(f"Ambiguous: they agree as well with {', '.join(rival or 'no scope' for rival in rivals)}.")
    else:
        ops = tuple(Rename(stored.key, variable.key) for variable, stored in pairs)
        restore = (
            f"names = {{v.op.name.replace('{scopes[0]}', '{scopes[1]}', 1): v for v in tf.compat.v1.global_variables()}}\n"
            f"tf.compat.v1.train.Saver(names).restore(session, '{case.checkpoint}')"
        )
        remedies = (
            Remedy(
                "write a checkpoint with the graph's names: no byte of data changes",
                "safe",
                case.convert_command(),
                ops,
            ),
        )
        if scopes[0]:
            remedies += (Remedy("or give the Saver a map of names", "display-only", restore),)
    return Diagnostic(
        RULE,
        f"the graph's variables stand under {graph_scope}, the checkpoint's under {stored_scope}.",
        "possible" if rivals else "certain",
        first.name,
        entry.key,
        first.spec,
        entry.spec,
        tuple(evidence),
        first.location,
        remedies,
        frozenset(key for variable, stored in pairs for key in (variable.key, stored.key)),
    )
