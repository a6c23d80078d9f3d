"""ambiguous-names: several keys fit a variable equally well.

## What it does
Names the variables for which the checkpoint has several candidates, and the candidates. None is chosen.

## Why is this bad
A guess would load the right shapes with the wrong values, and nothing would say so.

## Example
`model/conv1/weights` in the graph, `tower_0/conv1/weights` and `tower_1/conv1/weights` in the checkpoint.

## Fix safety
Display only: decide with `--rename 'REGEX=REPLACEMENT'` or `--map FILE`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.libraries.name import read_name, scope_of
from ckptdoctor.specs.command import rename_argument, rename_scope_argument
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.objects import OBJECT_VALUE

RULE = Rule("CKD107", "ambiguous-names", "error")

FIRES = (Example("n/a/w [3,3]\nn/b/w [3,2]", "t0/a/w [3,3]\nt0/b/w [3,2]\nt1/a/w [3,3]\nt1/b/w [3,2]"),)
SILENT = (Example("a/w [3,3]", "a/w [3,3]\nb/w [3,3]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each group of variables that cannot be told apart."""
    for ambiguity in case.alignment.ambiguities:
        variables, entries = ambiguity.variables, ambiguity.entries
        yield Diagnostic(
            RULE,
            "several keys fit equally well, so none is chosen.",
            "certain",
            variables[0].name,
            entries[0].key,
            variables[0].spec,
            entries[0].spec,
            (
                ambiguity.evidence,
                f"Variables: {listed([variable.key for variable in variables])}.",
                f"Candidates: {listed([entry.key for entry in entries])}.",
            ),
            variables[0].location,
            _decide(case, variables, entries),
            frozenset([*(item.key for item in variables), *(item.key for item in entries)]),
        )


def _decide(case: Case, variables: Sequence[Variable], entries: Sequence[Entry]) -> tuple[Remedy, ...]:
    """The conversion that takes the first of the candidates: for a whole scope, else for all the variables of a layer."""
    options = _scope_option(case, variables, entries) or _layer_options(variables, entries)
    if not options:
        return (Remedy("decide which it is, with --rename or --map", "display-only"),)
    title = f"decide which it is; if it is {entries[0].name or entries[0].key}"
    return (Remedy(title, "display-only", case.convert_command(*options)),)


def _scope_option(case: Case, variables: Sequence[Variable], entries: Sequence[Entry]) -> tuple[str, ...]:
    """The option that puts a candidate's scope in the graph's place, where that gives every variable its value."""
    stored = case.alignment.inventory.entries
    for variable in variables:
        lhs, rhs = _without_common_end(variable.key, entries[0].key)
        named = {item: rhs + item.key[len(lhs) :] for item in variables if item.key.startswith(lhs)}
        fit = all(key in stored and stored[key].spec == item.spec for item, key in named.items())
        free = not any(lhs + key[len(rhs) :] in stored for key in stored if key.startswith(rhs))
        if rhs and free and fit and len(named) == len(variables):
            return "--rename", rename_scope_argument(rhs, lhs)
    return ()


def _layer_options(variables: Sequence[Variable], entries: Sequence[Entry]) -> tuple[str, ...]:
    """The options that give the variables of one layer the values of one candidate, each in its own role."""
    candidate = {_role(item): item for item in entries if _layer(item) == _layer(entries[0])}
    for variable in variables:
        layer = [item for item in variables if _layer(item) == _layer(variable)]
        chosen = [(candidate.get(_role(item)), item) for item in layer]
        fit = all(entry and entry.spec == item.spec for entry, item in chosen)
        if fit:
            return tuple(
                word for entry, item in chosen if entry for word in ("--rename", rename_argument(entry.key, item.key))
            )
    return ()


def _without_common_end(lhs: str, rhs: str) -> tuple[str, str]:
    """Two keys without the components that both end in; what is left ends in a slash, or is empty."""
    left, right = lhs.split("/"), rhs.split("/")
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    return "".join(f"{part}/" for part in left), "".join(f"{part}/" for part in right)


def _path(item: Variable | Entry) -> str:
    """Its name, or the key without what every key of an object graph ends in."""
    return (item.name or item.key).removesuffix(OBJECT_VALUE)


def _layer(item: Variable | Entry) -> str:
    return read_name(_path(item)).scope if read_name(_path(item)).role else scope_of(_path(item))


def _role(item: Variable | Entry) -> str:
    """What it is to its layer: a role's word in any dialect, else the last word of its name."""
    return read_name(_path(item)).role or _path(item).rpartition("/")[2]
