"""One report for all variables that one reason gives another name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ckptdoctor.alignment.renaming import Kind, Renaming
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code, is_identifier
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.ops import Rename
from ckptdoctor.specs.graph import GraphKind


def report_renamings(
    case: Case,
    rule: Rule,
    kinds: tuple[Kind, ...],
    message: str,
    accepts: Callable[[Renaming], bool] = lambda renaming: True,
) -> Iterator[Diagnostic]:
    """A finding for the certain renamings of these kinds, and one for the others; each replaced scope has its own.

    `{lhs}`, `{rhs}` and `{count}` in the message are the names and how many variables they are of.
    """
    renamings = [
        renaming
        for renaming in case.alignment.renamings
        if renaming.kind in kinds and not renaming.followed and accepts(renaming)
    ]
    if "scope" in kinds:
        groups = [[renaming] for renaming in renamings]
    else:
        groups = [[renaming for renaming in renamings if renaming.certain == certain] for certain in (True, False)]
    for group in groups:
        if group:
            yield _diagnose(case, rule, group, message)


def _diagnose(case: Case, rule: Rule, renamings: list[Renaming], message: str) -> Diagnostic:
    renaming = renamings[0]
    pairs = [pair for item in renamings for pair in item.pairs]
    first, entry = pairs[0]
    ops = tuple(Rename(item.key, variable.key) for variable, item in pairs if item.key != variable.key)
    safe = renaming.certain
    convert = Remedy(
        "write a checkpoint with the graph's names: no byte of data changes",
        "safe" if safe else "unsafe",
        case.convert_command(*([] if safe else ["--unsafe"])),
        ops,
    )
    return Diagnostic(
        rule,
        message.format(lhs=renaming.lhs or "no scope", rhs=renaming.rhs or "no scope", count=len(pairs)),
        "certain" if safe else "likely",
        first.name,
        entry.key,
        first.spec,
        entry.spec,
        tuple(item.evidence for item in renamings),
        first.location,
        (*_for_objects(renaming), convert)
        if case.alignment.graph.kind is GraphKind.OBJECTS
        else (convert, *_map_of_names(case, renaming)),
        frozenset(key for variable, item in pairs for key in (variable.key, item.key)),
    )


def _for_objects(renaming: Renaming) -> tuple[Remedy, ...]:
    """What to do where names are paths from object to object: give the objects the names that they were saved under."""
    attribute = renaming.rhs.strip("/")
    build = None
    if renaming.kind == "scope" and is_identifier(attribute):
        build = Code.of(f"tf.train.Checkpoint({attribute}=...)")
    return (Remedy("build the tf.train.Checkpoint with the attributes that it was saved with", "display-only", build),)


def _map_of_names(case: Case, renaming: Renaming) -> tuple[Remedy, ...]:
    """The restore that gives the Saver the checkpoint's names, where one replacement makes them."""
    if renaming.kind != "scope" or not renaming.lhs or not case.alignment.graph.has_saver:
        return ()
    restore = Code.of(
        "names = {\n"
        "    v.op.name.replace($lhs, $rhs, 1): v for v in tf.compat.v1.global_variables()\n"
        "}\n"
        "tf.compat.v1.train.Saver(names).restore(session, $checkpoint)",
        lhs=renaming.lhs,
        rhs=renaming.rhs,
        checkpoint=case.checkpoint,
    )
    return (Remedy("or give the Saver a map of names", "display-only", restore),)
