"""What the commands do, as functions, each from names to a value.

The rooms are imported where they are used: a command pays at start-up for what it does and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptdoctor.conversion.plan import Plan
    from ckptdoctor.conversion.renames import Names
    from ckptdoctor.conversion.wishes import Wishes
    from ckptdoctor.diagnosis.case import Purpose
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.diagnosis.diagnostic import Diagnostic
    from ckptdoctor.diagnosis.ignores import Ignore
    from ckptdoctor.errors import CkptDoctorError, FormatError
    from ckptdoctor.executor.convert import Receipt
    from ckptdoctor.formats.checkpoint import Advance, Checkpoint
    from ckptdoctor.formats.target import Layout
    from ckptdoctor.graphs.request import GraphRequest
    from ckptdoctor.proof.outputs import Compared
    from ckptdoctor.proof.restore import Restored
    from ckptdoctor.repository.configuration import Declared
    from ckptdoctor.repository.lock_file import Lock
    from ckptdoctor.specs.graph import GraphSpec
    from ckptdoctor.specs.inventory import Inventory
    from ckptdoctor.values.comparison import ValueDifference
    from ckptdoctor.values.statistics import Statistics

__all__ = [
    "check",
    "compare",
    "convert",
    "diff",
    "differences",
    "graph_request",
    "inspect",
    "open_checkpoint",
    "plan_for",
    "read_graph",
    "restore",
    "statistics",
    "verify",
]


def open_checkpoint(name: str) -> Checkpoint:
    """Opens a checkpoint: its inventory, and its values when they are asked for.

    Raises:
        FormatError: it cannot be read.
    """
    from ckptdoctor.formats.locate import open_checkpoint as open_it

    return open_it(name)


def inspect(checkpoint: str) -> Inventory:
    """What a checkpoint holds; a notebook shows it as a page.

    Raises:
        FormatError: it cannot be read.
    """
    from ckptdoctor.notebook import shown_inventory

    return shown_inventory(open_checkpoint(checkpoint).inventory)


def graph_request(
    graph: str, *, inputs: Sequence[str] = (), args: Sequence[str] = (), python: str = ""
) -> str | GraphRequest:
    """A graph with its parameters, for the other functions.

    Args:
        graph: a GRAPH argument.
        inputs: tensor parameters, such as `images:Nx224x224x3`.
        args: other parameters, such as `num_classes=10`.
        python: the interpreter that builds the graph; the running one without it.

    Raises:
        UsageError: one of them cannot be understood, or means nothing to this graph.
    """
    from ckptdoctor.graphs.request import graph_request as request

    return request(graph, inputs, args, python)


def read_graph(graph: str | GraphRequest, *, values: bool = False) -> GraphSpec:
    """A graph from Python source, a `.meta` file, a SavedModel, a graph definition, a Keras model or a checkpoint.

    Args:
        graph: a GRAPH argument, or a request with inputs and arguments.
        values: whether its values are wanted too, so that it must be a checkpoint.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    from ckptdoctor.graphs.python_graph import trace_python
    from ckptdoctor.graphs.request import GraphRequest, is_meta_graph, is_python_graph, make_request

    if isinstance(graph, GraphRequest):
        return trace_python(graph)
    if is_meta_graph(graph):
        from ckptdoctor.graphs.meta_graph import read_meta_graph

        return read_meta_graph(Path(graph))
    if is_python_graph(graph):
        return trace_python(make_request(graph))
    from ckptdoctor.formats.graph_def import has_variables, read_graph_def
    from ckptdoctor.formats.locate import saved_model_file

    model = None if values else saved_model_file(Path(graph))
    if model is not None:
        from ckptdoctor.graphs.saved_model import read_saved_model

        return read_saved_model(model)
    definition = None if values else read_graph_def(Path(graph))
    if definition is not None and has_variables(definition):
        from ckptdoctor.graphs.meta_graph import graph_of_definition

        return graph_of_definition(Path(graph), definition.SerializeToString())
    inventory = open_checkpoint(graph).inventory
    if inventory.config and not values:
        from ckptdoctor.graphs.keras_config import read_keras_model

        return read_keras_model(inventory)
    return _as_graph(graph, inventory)


def _as_graph(name: str, inventory: Inventory) -> GraphSpec:
    """A checkpoint's keys as the left-hand side."""
    from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable

    nodes = {item.key: number for number, item in enumerate(inventory.objects.objects)} if inventory.objects else {}
    variables = tuple(
        Variable(key, key, entry.spec, node=nodes.get(key, -1)) for key, entry in inventory.variables.items()
    )
    files = tuple(str(path) for path in inventory.files)
    return GraphSpec(name, GraphKind.CHECKPOINT, variables, files, inventory.notes, inventory.objects)


def diff(
    graph: str | GraphRequest,
    checkpoint: str,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    prepare: Names | Wishes | None = None,
    purpose: Purpose = "either",
    values: bool = False,
) -> Diagnosis:
    """Every disagreement between a graph and a checkpoint, with causes and remedies; a notebook shows it as a page.

    Args:
        graph: a GRAPH argument, or a request with inputs and arguments.
        checkpoint: a prefix, file or directory.
        include: scopes that take part.
        exclude: scopes that do not.
        prepare: what a person decided about the checkpoint; it is compared as that would leave it.
        purpose: what the checkpoint is wanted for; advice depends on it.
        values: whether values are to be compared afterwards, so that the graph must be a checkpoint.

    Raises:
        UsageError, GraphError, FormatError: one of them cannot be built or read.
    """
    from ckptdoctor.notebook import shown_diagnosis

    inventory = open_checkpoint(checkpoint).inventory
    return shown_diagnosis(_compare(graph, inventory, include, exclude, prepare, purpose, values=values)[0])


def _compare(
    graph: str | GraphRequest,
    inventory: Inventory,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    prepare: Names | Wishes | None = None,
    purpose: Purpose = "either",
    ignore: Sequence[Ignore] = (),
    *,
    values: bool = False,
) -> tuple[Diagnosis, frozenset[Ignore], tuple[Ignore, ...]]:
    """A diagnosis without what comments and `ignore` accept, the ignores that were needed, and those that were not."""
    from ckptdoctor.alignment.align import align
    from ckptdoctor.diagnosis.diagnosis import diagnose
    from ckptdoctor.diagnosis.ignores import apply_ignores, read_ignores
    from ckptdoctor.graphs.request import GraphRequest

    spec = read_graph(graph, values=values)
    options = list(graph.options if isinstance(graph, GraphRequest) else ())
    if prepare:
        from ckptdoctor.conversion.plan import carried_out

        inventory = carried_out(prepare.plan(inventory), inventory)
        options += prepare.options
    options += [argument for scope in include for argument in ("--include", scope)]
    options += [argument for scope in exclude for argument in ("--exclude", scope)]
    alignment = align(spec, inventory, include=include, exclude=exclude)
    diagnosis = diagnose(alignment, spec.source, purpose, options=options)
    ignores = (*ignore, *read_ignores(file for file in spec.files if file.endswith(".py")))
    diagnosis, used = apply_ignores(diagnosis, ignores)
    return diagnosis, used, tuple(item for item in ignores if item not in used)


def check(
    pairs: Sequence[Declared], lock: Lock | None = None, *, locked: bool = False, whole: bool = True
) -> tuple[list[Diagnosis], list[CkptDoctorError]]:
    """The diagnosis of each pair, and the errors that kept others from being compared.

    Args:
        pairs: what the configuration declares.
        lock: what stands for a checkpoint that is not here.
        locked: compare with the lock alone, and report a checkpoint that is not the locked one.
        whole: whether these are all pairs of the configuration, so that an ignore that none of them needs is unused.
    """
    from ckptdoctor.diagnosis.guard import unused_ignore
    from ckptdoctor.errors import CkptDoctorError

    diagnoses: list[Diagnosis] = []
    errors: list[CkptDoctorError] = []
    used: set[Ignore] = set()
    unused: dict[Ignore, int] = {}
    for pair in pairs:
        try:
            inventory, problems = _inventory_of(pair, lock, locked=locked)
            diagnosis, needed, spare = _compare(pair.graph, inventory, pair.include, pair.exclude, ignore=pair.ignore)
        except CkptDoctorError as error:
            errors.append(error)
            continue
        used |= needed
        unused |= dict.fromkeys(spare, len(diagnoses))
        diagnoses.append(replace(diagnosis, diagnostics=(*problems, *diagnosis.diagnostics)))
    for ignore, number in unused.items() if whole and not errors else ():
        if ignore not in used:
            diagnosis = diagnoses[number]
            diagnoses[number] = replace(diagnosis, diagnostics=(*diagnosis.diagnostics, unused_ignore.report(ignore)))
    return diagnoses, errors


def _inventory_of(pair: Declared, lock: Lock | None, *, locked: bool) -> tuple[Inventory, tuple[Diagnostic, ...]]:
    """What to compare a pair's graph with, and what is wrong between the checkpoint and its lock."""
    from ckptdoctor.diagnosis.guard import not_as_locked
    from ckptdoctor.errors import FormatError
    from ckptdoctor.repository.lock_file import differences
    from ckptdoctor.specs.graph import SourceLine

    kept = lock.find(pair.checkpoint) if lock else None
    if not lock or not kept:
        message, place = f"{pair.checkpoint} is not in the lock.", SourceLine(str(lock.path) if lock else "", 1, "")
        unlocked = (not_as_locked.report(pair.checkpoint, message, (), place),) if lock and locked else ()
        return open_checkpoint(pair.checkpoint).inventory, unlocked
    note = f"{pair.checkpoint} is not here: what {lock.path} says about it is compared."
    if not locked:
        return _open_if_here(pair.checkpoint) or replace(kept.inventory, notes=(note,)), ()
    found, damage = None, None
    try:
        found = _open_if_here(pair.checkpoint)
    except FormatError as error:
        damage = error
    changed = differences(kept, found)
    if damage and not changed:
        raise damage
    if damage:
        changed.append(damage.message)
    message = f"{pair.checkpoint} is not the checkpoint that was locked."
    stand_in = replace(kept.inventory, notes=() if found else (note,))
    return stand_in, (not_as_locked.report(pair.checkpoint, message, changed, kept.location),) if changed else ()


def _open_if_here(checkpoint: str) -> Inventory | None:
    """A checkpoint's inventory; None if it is absent, or a git-lfs pointer stands for it."""
    from ckptdoctor.errors import MissingData, NotACheckpoint
    from ckptdoctor.repository.lock_file import read_pointer

    try:
        return open_checkpoint(checkpoint).inventory
    except MissingData:
        return None
    except NotACheckpoint as error:
        if not read_pointer(Path(error.file)):
            raise
        return None


def plan_for(diagnosis: Diagnosis, *, unsafe: bool = False) -> Plan:
    """The conversion that a diagnosis prescribes."""
    from ckptdoctor.conversion.from_diagnosis import plan_from_diagnosis

    return plan_from_diagnosis(diagnosis, unsafe=unsafe)


def convert(
    checkpoint: str,
    output: str,
    plan: Plan,
    *,
    target: str = "",
    layout: Layout | None = None,
    force: bool = False,
    link: bool = False,
    advance: Advance = lambda size: None,
) -> Receipt:
    """Writes what a plan makes of a checkpoint. See `ckptdoctor.executor.convert.convert`.

    Args:
        checkpoint: the source.
        output: the prefix or file to write.
        plan: what to do.
        target: the format to write; empty for the one of the output's name.
        layout: what the format must know beside the tensors; see `ckptdoctor.formats.target.Layout`.
        force: replace an existing output.
        link: hard-link data that stays as it is.
        advance: hears bytes as they are worked through.
    """
    from ckptdoctor.executor.convert import convert as run_plan
    from ckptdoctor.formats.registry import target_of
    from ckptdoctor.formats.target import Layout

    return run_plan(
        open_checkpoint(checkpoint),
        plan,
        output,
        target=target_of(output, target),
        layout=layout or Layout(),
        force=force,
        link=link,
        advance=advance,
    )


def differences(
    lhs: str, rhs: str, pairs: Sequence[tuple[str, str]], advance: Advance = lambda size: None
) -> Iterator[ValueDifference]:
    """How the values of pairs of keys differ between two checkpoints. See `ckptdoctor.values.comparison`.

    Raises:
        FormatError: one of them cannot be read.
    """
    from ckptdoctor.values.comparison import compare_values

    return compare_values(open_checkpoint(lhs), open_checkpoint(rhs), pairs, advance)


def statistics(checkpoint: str, advance: Advance = lambda size: None) -> Iterator[Statistics]:
    """What the values of each tensor look like. See `ckptdoctor.values.statistics`.

    Raises:
        FormatError: it cannot be read.
    """
    from ckptdoctor.values.statistics import describe_values

    return describe_values(open_checkpoint(checkpoint), advance)


def verify(checkpoint: str, advance: Advance = lambda size: None) -> list[FormatError]:
    """Everything that is wrong with a checkpoint's files; empty if nothing is.

    Raises:
        FormatError: it cannot even be opened.
    """
    return open_checkpoint(checkpoint).verify(advance)


def restore(checkpoint: str, graph: GraphRequest) -> Restored:
    """What TensorFlow's own restore of a checkpoint into a graph does."""
    from ckptdoctor.proof.restore import verify_restore

    return verify_restore(open_checkpoint(checkpoint), graph)


def compare(checkpoint: str, graph: GraphRequest, other_checkpoint: str, other_graph: GraphRequest) -> Compared:
    """How the outputs of two restored graphs differ on the same random inputs."""
    from ckptdoctor.proof.outputs import compare_outputs

    return compare_outputs(((open_checkpoint(checkpoint), graph), (open_checkpoint(other_checkpoint), other_graph)))
