"""One report for all variables that one reason gives another name."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ckptdoctor.alignment.renaming import Kind, Renaming
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code, is_identifier
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.left_out import restorable
from ckptdoctor.diagnosis.restoring import map_code
from ckptdoctor.ops import Rename
from ckptdoctor.specs.graph import GraphKind
from ckptdoctor.specs.objects import ROOT


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
        (*_for_objects(case), convert)
        if case.alignment.graph.kind is GraphKind.OBJECTS
        else (convert, *_map_of_names(case, renaming)),
        frozenset(key for variable, item in pairs for key in (variable.key, item.key)),
    )


def _for_objects(case: Case) -> tuple[Remedy, ...]:
    """A checkpoint of the same objects, under the names that they were saved under; the program's is called `checkpoint`."""
    title = "build the tf.train.Checkpoint with the attributes that it was saved with"
    other = {
        item.lhs.strip("/"): item.rhs.strip("/")
        for item in case.alignment.renamings
        if item.kind == "scope" and item.certain and not item.followed
    }
    objects = case.alignment.graph.objects
    names = [name for name, _ in objects.objects[ROOT].children if name != "save_counter"] if objects else []
    if not other or not other.keys() <= set(names) or not all(map(is_identifier, names)):
        return (Remedy(title, "display-only"),)
    saved_as = {other.get(name, name): name for name in names}
    if all(map(is_identifier, saved_as)):
        arguments = ", ".join(f"{stored}=checkpoint.{name}" for stored, name in saved_as.items())
        template = f"tf.train.Checkpoint({arguments}).restore($checkpoint)"
        return (Remedy(title, "display-only", Code.of(template, checkpoint=case.checkpoint)),)
    numbered = {f"name{number}": stored for number, stored in enumerate(saved_as)}
    items = ", ".join(f"$name{number}: checkpoint.{name}" for number, name in enumerate(saved_as.values()))
    template = f"tf.train.Checkpoint(**{{{items}}}).restore($checkpoint)"
    return (Remedy(title, "display-only", Code.of(template, checkpoint=case.checkpoint, **numbered)),)


def _map_of_names(case: Case, renaming: Renaming) -> tuple[Remedy, ...]:
    """The restore that gives the Saver the checkpoint's names, where one replacement makes all of them."""
    alignment = case.alignment
    if renaming.kind != "scope" or not alignment.graph.has_saver or not alignment.inventory.has_saver:
        return ()
    pairs = restorable(alignment)
    wanted = {key: pair.entry.key for key, pair in pairs.items()}
    code = map_code(
        case,
        "v.op.name.replace($lhs, $rhs, 1)",
        lambda name: name.replace(renaming.lhs, renaming.rhs, 1),
        wanted,
        lhs=renaming.lhs,
        rhs=renaming.rhs,
    )
    return () if code is None else (Remedy("or give the Saver a map of names", "display-only", code),)
