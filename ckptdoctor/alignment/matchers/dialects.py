"""The same names in another library's words, under the same scope or another one.

`conv1/weights` is `conv1/kernel`: the words are those of `ckptdoctor/libraries/dialects.py`, with their sources. A name that
two variables would share in translation says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ckptdoctor.alignment.labelled import Labelled
from ckptdoctor.alignment.layer_renamings import SHOWN
from ckptdoctor.alignment.layers import Item, same_shape
from ckptdoctor.alignment.matchers.scopes import replaced_scopes
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.libraries.name import read_name
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

_Pair = tuple[Labelled[Variable], Labelled[Entry]]


def match(state: Unmatched) -> Matches:
    """Variables whose names say the same in other words, all of them or all but the scope."""
    missing, unexpected = state.one_sided()
    same = _same(_in_roles(missing), _in_roles(unexpected))
    done = {item.key for pair in same for item in pair}
    left = _translated(item for item in missing if item.key not in done)
    right = _translated(item for item in unexpected if item.key not in done)
    same += _same(left, right)
    renamings = []
    done = set()
    if any(_fits(pair) for pair in same):
        renamings.append(_renaming("", "", same))
        done = {item.key for pair in same for item in pair}
    lhs = [Labelled(name, item.value) for name, item in left.items() if item.key not in done]
    rhs = [Labelled(name, item.value) for name, item in right.items() if item.key not in done]
    variables = {item.value.key: item for item in left.values()}
    entries = {item.value.key: item for item in right.values()}
    for scope in replaced_scopes(lhs, rhs, names_alone=False).renamings:
        if 2 * len(scope.pairs) >= len(lhs):
            pairs = [(variables[variable.key], entries[entry.key]) for variable, entry in scope.pairs]
            renamings.append(_renaming(scope.lhs, scope.rhs, pairs))
    return Matches(renamings=renamings)


def _same(lhs: Mapping[str, Labelled[Variable]], rhs: Mapping[str, Labelled[Entry]]) -> list[_Pair]:
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
    return {name: same_name[0] for name, same_name in named.items() if len(same_name) == 1}


def _fits(pair: _Pair) -> bool:
    return same_shape(pair[0].spec.shape, pair[1].spec.shape)


def _renaming(lhs: str, rhs: str, pairs: Sequence[_Pair]) -> Renaming:
    fitting = sum(map(_fits, pairs))
    words = dict.fromkeys(
        f"{a} is {b}"
        for variable, entry in pairs
        for a, b in zip(_components(variable.key), _components(entry.key), strict=False)
        if a != b
    )
    examples = "; ".join(f"{variable.key} is {entry.key}" for variable, entry in pairs[:SHOWN])
    evidence = f"{len(pairs)} names say the same in other words, and {fitting} of the shapes agree: {examples}."
    if len(words) == 1:
        evidence += f" Always {next(iter(words))}."
    return Renaming("dialect", lhs, rhs, tuple((a.value, b.value) for a, b in pairs), True, evidence)


def _components(key: str) -> list[str]:
    return key.split("/")[::-1]
