"""From what names a graph to the graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ckptdoctor.graphs.request import GraphRequest, is_meta_graph, is_python_graph, make_request
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable

if TYPE_CHECKING:
    from ckptdoctor.formats.checkpoint import Checkpoint
    from ckptdoctor.specs.inventory import Inventory


def read_graph(graph: str | GraphRequest) -> GraphSpec:
    """A graph from Python source, a `.meta` file, a SavedModel, a graph definition, a Keras model or a checkpoint.

    Args:
        graph: a GRAPH argument, or a request with inputs and arguments.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    return open_graph(graph)[0]


def open_graph(graph: str | GraphRequest, *, values: bool = False) -> tuple[GraphSpec, Checkpoint | None]:
    """A graph, and the checkpoint that it was read from where it is one.

    Args:
        graph: a GRAPH argument, or a request with inputs and arguments.
        values: whether its values are wanted too, so that it must be a checkpoint.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    from ckptdoctor.graphs.python_graph import trace_python

    if isinstance(graph, GraphRequest):
        return trace_python(graph), None
    if is_meta_graph(graph):
        from ckptdoctor.graphs.meta_graph import read_meta_graph

        return read_meta_graph(Path(graph)), None
    if is_python_graph(graph):
        return trace_python(make_request(graph)), None
    if not values and (described := _described(Path(graph))) is not None:
        return described, None
    from ckptdoctor.formats.locate import open_checkpoint

    checkpoint = open_checkpoint(graph)
    if checkpoint.inventory.config and not values:
        from ckptdoctor.graphs.keras_config import read_keras_model

        return read_keras_model(checkpoint.inventory), checkpoint
    return graph_of_inventory(graph, checkpoint.inventory), checkpoint


def _described(path: Path) -> GraphSpec | None:
    """What a SavedModel or a graph definition describes; None if it is neither, or has no variables."""
    from ckptdoctor.formats.graph_def import has_variables, read_graph_def
    from ckptdoctor.formats.locate import saved_model_file

    model = saved_model_file(path)
    if model is not None:
        from ckptdoctor.graphs.saved_model import read_saved_model

        return read_saved_model(model)
    definition = read_graph_def(path)
    if definition is None or not has_variables(definition):
        return None
    from ckptdoctor.graphs.meta_graph import graph_of_definition

    return graph_of_definition(path, definition.SerializeToString())


def graph_of_inventory(name: str, inventory: Inventory) -> GraphSpec:
    """A checkpoint's keys as the left-hand side."""
    nodes = {item.key: number for number, item in enumerate(inventory.objects.objects)} if inventory.objects else {}
    variables = tuple(
        Variable(key, key, entry.spec, node=nodes.get(key, -1)) for key, entry in inventory.variables.items()
    )
    files = tuple(str(path) for path in inventory.files)
    return GraphSpec(name, GraphKind.CHECKPOINT, variables, files, inventory.notes, inventory.objects)
