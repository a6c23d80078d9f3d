"""What the commands do, as functions, each from names to a value.

The rooms are imported where they are used: a command pays at start-up for what it does and for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptdoctor.diagnosis.case import Purpose
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.errors import FormatError
    from ckptdoctor.executor.convert import Receipt
    from ckptdoctor.executor.values import Statistics, ValueDifference
    from ckptdoctor.executor.verify import Compared, Restored
    from ckptdoctor.formats.checkpoint import Advance, Checkpoint
    from ckptdoctor.formats.target import Layout
    from ckptdoctor.plan.plan import Plan
    from ckptdoctor.plan.renames import Names
    from ckptdoctor.plan.wishes import Wishes
    from ckptdoctor.specs.graph import GraphSpec
    from ckptdoctor.specs.inventory import Inventory
    from ckptdoctor.trace.request import GraphRequest

__all__ = [
    "compare",
    "convert",
    "diff",
    "differences",
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
    from ckptdoctor.formats.registry import open_checkpoint as open_it

    return open_it(name)


def inspect(checkpoint: str) -> Inventory:
    """What a checkpoint holds.

    Raises:
        FormatError: it cannot be read.
    """
    return open_checkpoint(checkpoint).inventory


def read_graph(graph: str | GraphRequest, *, values: bool = False) -> GraphSpec:
    """A graph from Python source, a `.meta` file, a SavedModel, a graph definition, a Keras model or a checkpoint.

    Args:
        graph: a GRAPH argument, or a request with inputs and arguments.
        values: whether its values are wanted too, so that it must be a checkpoint.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    from ckptdoctor.trace.python_graph import trace_python
    from ckptdoctor.trace.request import GraphRequest, is_meta_graph, is_python_graph, make_request

    if isinstance(graph, GraphRequest):
        return trace_python(graph)
    if is_meta_graph(graph):
        from ckptdoctor.trace.meta_graph import read_meta_graph

        return read_meta_graph(Path(graph))
    if is_python_graph(graph):
        return trace_python(make_request(graph))
    from ckptdoctor.formats.graph_def import has_variables, read_graph_def
    from ckptdoctor.formats.registry import saved_model_file

    model = None if values else saved_model_file(Path(graph))
    if model is not None:
        from ckptdoctor.trace.saved_model import read_saved_model

        return read_saved_model(model)
    definition = None if values else read_graph_def(Path(graph))
    if definition is not None and has_variables(definition):
        from ckptdoctor.trace.meta_graph import graph_of_definition

        return graph_of_definition(Path(graph), definition.SerializeToString())
    inventory = open_checkpoint(graph).inventory
    if inventory.config and not values:
        from ckptdoctor.trace.keras_config import read_keras_model

        return read_keras_model(inventory)
    return _as_graph(graph, inventory)


def _as_graph(name: str, inventory: Inventory) -> GraphSpec:
    """A checkpoint's keys as the left-hand side."""
    from ckptdoctor.specs.graph import GraphSpec, Variable

    nodes = {item.key: number for number, item in enumerate(inventory.objects.objects)} if inventory.objects else {}
    variables = tuple(
        Variable(key, key, entry.spec, node=nodes.get(key, -1)) for key, entry in inventory.variables.items()
    )
    files = tuple(str(path) for path in inventory.files)
    return GraphSpec(name, "checkpoint", variables, files, inventory.notes, inventory.objects)


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
    """Every disagreement between a graph and a checkpoint, with causes and remedies.

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
    from ckptdoctor.alignment.alignment import align
    from ckptdoctor.diagnosis.diagnosis import diagnose
    from ckptdoctor.trace.request import GraphRequest

    inventory = open_checkpoint(checkpoint).inventory
    spec = read_graph(graph, values=values)
    argument = spec.source + (graph.options if isinstance(graph, GraphRequest) else "")
    if prepare:
        from ckptdoctor.plan.plan import carried_out

        inventory = carried_out(prepare.plan(inventory), inventory)
        argument += prepare.options
    return diagnose(align(spec, inventory, include=include, exclude=exclude), argument, purpose)


def plan_for(diagnosis: Diagnosis, *, unsafe: bool = False) -> Plan:
    """The conversion that a diagnosis prescribes."""
    from ckptdoctor.plan.from_diagnosis import plan_from_diagnosis

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
    from ckptdoctor.formats.target import Layout
    from ckptdoctor.formats.targets import target_of

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
    """How the values of pairs of keys differ between two checkpoints. See `ckptdoctor.executor.values`.

    Raises:
        FormatError: one of them cannot be read.
    """
    from ckptdoctor.executor.values import compare_values

    return compare_values(open_checkpoint(lhs), open_checkpoint(rhs), pairs, advance)


def statistics(checkpoint: str, advance: Advance = lambda size: None) -> Iterator[Statistics]:
    """What the values of each tensor look like. See `ckptdoctor.executor.values`.

    Raises:
        FormatError: it cannot be read.
    """
    from ckptdoctor.executor.values import describe_values

    return describe_values(open_checkpoint(checkpoint), advance)


def verify(checkpoint: str, advance: Advance = lambda size: None) -> list[FormatError]:
    """Everything that is wrong with a checkpoint's files; empty if nothing is.

    Raises:
        FormatError: it cannot even be opened.
    """
    return open_checkpoint(checkpoint).verify(advance)


def restore(checkpoint: str, graph: GraphRequest) -> Restored:
    """What TensorFlow's own restore of a checkpoint into a graph does."""
    from ckptdoctor.executor.verify import verify_restore

    return verify_restore(open_checkpoint(checkpoint), graph)


def compare(checkpoint: str, graph: GraphRequest, other_checkpoint: str, other_graph: GraphRequest) -> Compared:
    """How the outputs of two restored graphs differ on the same random inputs."""
    from ckptdoctor.executor.verify import compare_outputs

    return compare_outputs(((open_checkpoint(checkpoint), graph), (open_checkpoint(other_checkpoint), other_graph)))
