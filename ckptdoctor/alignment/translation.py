"""The same names in another library's words, under the same scope or another one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ckptdoctor.alignment.layers import Item, same_shape
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.scopes import match_scopes
from ckptdoctor.libraries.name import read_name
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

_SHOWN = 3


def match_dialects(missing: Sequence[Variable], unexpected: Sequence[Entry]) -> tuple[Renaming, ...]:
    """Variables whose names say the same in other words, all of them or all but the scope."""
    same = _same(_in_roles(missing), _in_roles(unexpected))
    done = {item.key for pair in same for item in pair}
    left = _translated(item for item in missing if item.key not in done)
    right = _translated(item for item in unexpected if item.key not in done)
    same += _same(left, right)
    found = []
    if any(_fits(pair) for pair in same):
        found.append(_renaming("", "", same))
    done = {item.key for pair in same for item in pair} if found else set()
    lhs = [replace(item, key=name) for name, item in left.items() if item.key not in done]
    rhs = [replace(item, key=name) for name, item in right.items() if item.key not in done]
    for scope in match_scopes(lhs, rhs, names_alone=False)[0]:
        if 2 * len(scope.pairs) >= len(lhs):
            pairs = [(left[variable.key], right[entry.key]) for variable, entry in scope.pairs]
            found.append(_renaming(scope.lhs, scope.rhs, pairs))
    return tuple(found)


def _same(lhs: dict[str, Variable], rhs: dict[str, Entry]) -> list[tuple[Variable, Entry]]:
    """What has one name on both sides, and at least as many axes."""
    pairs = [(lhs[name], rhs[name]) for name in lhs if name in rhs]
    return [pair for pair in pairs if len(pair[0].spec.shape) == len(pair[1].spec.shape) or _fits(pair)]


def _in_roles(items: Iterable[Item]) -> dict[str, Item]:
    """Items by their own scope and what they are to their layer."""
    return _named((f"{name.scope}/{name.role}", item) for item in items if (name := read_name(item.key)).role)


def _translated(items: Iterable[Item]) -> dict[str, Item]:
    """Items by the words and numbers of their names, in one dialect."""
    return _named(
        ("/".join(map(str, (*name.tokens, name.role))), item) for item in items if (name := read_name(item.key))
    )


def _named(items: Iterable[tuple[str, Item]]) -> dict[str, Item]:
    """Items by name, without training state and without those whose names become the same."""
    named: dict[str, list[Item]] = {}
    for name, item in items:
        if training_state(item.key) is None:
            named.setdefault(name, []).append(item)
    return {name: found[0] for name, found in named.items() if len(found) == 1}


def _fits(pair: tuple[Variable, Entry]) -> bool:
    return same_shape(pair[0].spec.shape, pair[1].spec.shape)


def _renaming(lhs: str, rhs: str, pairs: list[tuple[Variable, Entry]]) -> Renaming:
    fitting = sum(map(_fits, pairs))
    words = dict.fromkeys(
        f"{a} is {b}"
        for variable, entry in pairs
        for a, b in zip(_components(variable.key), _components(entry.key), strict=False)
        if a != b
    )
    examples = "; ".join(f"{variable.key} is {entry.key}" for variable, entry in pairs[:_SHOWN])
    evidence = f"{len(pairs)} names say the same in other words, and {fitting} of the shapes agree: {examples}."
    shown = list(words)[:1] if len(words) == 1 else []
    return Renaming(
        "dialect", lhs, rhs, tuple(pairs), True, evidence if not shown else f"{evidence} Always {shown[0]}."
    )


def _components(key: str) -> list[str]:
    return key.split("/")[::-1]
