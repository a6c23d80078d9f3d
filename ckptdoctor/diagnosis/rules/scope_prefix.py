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

from collections.abc import Iterator

from ckptdoctor.alignment.scopes import ScopeMatch
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.specs.ops import Rename

RULE = Rule("CKD103", "scope-prefix", "error")

_SHOWN = 3


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each scope that was replaced."""
    for scope in case.alignment.scopes:
        yield _diagnose(case, scope)


def _diagnose(case: Case, scope: ScopeMatch) -> Diagnostic:
    stored, *rivals = scope.rhs
    first, entry = scope.pairs[0]
    examples = "; ".join(f"{variable.key} is {item.key}" for variable, item in scope.pairs[:_SHOWN])
    evidence = [
        f"{len(scope.pairs)} variables agree in the rest of the name, at least two of them in shape too: {examples}."
    ]
    remedies: tuple[Remedy, ...] = ()
    if rivals:
        evidence.append(f"Ambiguous: they agree as well with {', '.join(rival or 'no scope' for rival in rivals)}.")
    else:
        ops = tuple(Rename(item.key, variable.key) for variable, item in scope.pairs)
        title = "write a checkpoint with the graph's names: no byte of data changes"
        remedies = (Remedy(title, "safe", case.convert_command(), ops),)
        if scope.lhs and case.alignment.graph.kind != "Keras model":
            restore = (
                "names = {\n"
                f"    v.op.name.replace('{scope.lhs}', '{stored}', 1): v for v in tf.compat.v1.global_variables()\n"
                f"}}\ntf.compat.v1.train.Saver(names).restore(session, '{case.checkpoint}')"
            )
            remedies += (Remedy("or give the Saver a map of names", "display-only", restore),)
    return Diagnostic(
        RULE,
        f"the graph's variables stand under {scope.lhs or 'no scope'}, the checkpoint's under {stored or 'no scope'}.",
        "possible" if rivals else "certain",
        first.name,
        entry.key,
        first.spec,
        entry.spec,
        tuple(evidence),
        first.location,
        remedies,
        frozenset(key for variable, item in scope.pairs for key in (variable.key, item.key)),
    )
