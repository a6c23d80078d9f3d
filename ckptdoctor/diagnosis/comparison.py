"""From two sides to a diagnosis, without what is known and accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.case import Purpose
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.ignores import Ignore, apply_ignores, read_ignores
from ckptdoctor.loaders.asked import Call, load_asked
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Comparison:
    """A diagnosis, the ignores that it needed, and those that it did not need."""

    diagnosis: Diagnosis
    used: frozenset[Ignore]
    unused: tuple[Ignore, ...]


def compare(
    graph: GraphSpec,
    inventory: Inventory,
    options: Sequence[str] = (),
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    purpose: Purpose = "either",
    ignore: Sequence[Ignore] = (),
    call: Call | None = None,
) -> Comparison:
    """Compares a graph with a checkpoint.

    Args:
        graph: the left-hand side.
        inventory: the right-hand side.
        options: the graph's options, as arguments of a command; the scopes are added.
        include, exclude: scopes that take part, and that do not.
        purpose: what the checkpoint is wanted for; advice depends on it.
        ignore: what is accepted, beside what comments in the graph's files accept.
        call: the load that is meant, where it is not the one that applies by itself.

    Raises:
        UsageError: a scope matches nothing, or the call does not apply.
    """
    scopes = [word for scope in include for word in ("--include", scope)]
    scopes += [word for scope in exclude for word in ("--exclude", scope)]
    alignment = align(graph, inventory, include=include, exclude=exclude)
    wanted = {variable.key for variable in (*(pair.variable for pair in alignment.pairs), *alignment.missing)}
    load = load_asked(graph, inventory, call or Call(), restored_by=alignment.restored_by, wanted=wanted)
    diagnosis = diagnose(alignment, graph.source, purpose, options=[*options, *scopes], load=load)
    ignores = (*ignore, *read_ignores(file for file in graph.files if file.endswith(".py")))
    diagnosis, used = apply_ignores(diagnosis, ignores)
    return Comparison(diagnosis, used, tuple(item for item in ignores if item not in used))
