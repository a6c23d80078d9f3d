"""From what names a graph, or is one, to the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckptdoctor.graphs.registry import SOURCES, SOURCES_WITH_VALUES
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.specs.graph import GraphSpec

if TYPE_CHECKING:
    from ckptdoctor.formats.checkpoint import Checkpoint


def read_graph(graph: str | GraphRequest | Any) -> GraphSpec:
    """A graph from Python source, a `.meta` file, a SavedModel, a graph definition, a Keras model or a checkpoint.

    Args:
        graph: a GRAPH argument, a request with inputs and arguments, or a live object: see
            `ckptdoctor.graphs.live_graph.graph_of_live`.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    return open_graph(graph)[0]


def open_graph(graph: str | GraphRequest | Any, *, values: bool = False) -> tuple[GraphSpec, Checkpoint | None]:
    """A graph, and the checkpoint that it was read from where it is one.

    Args:
        graph: a GRAPH argument, a request with inputs and arguments, or a live object.
        values: whether its values are wanted too, so that a name must be that of a checkpoint.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    if isinstance(graph, GraphRequest):
        from ckptdoctor.graphs.python_graph import trace_python

        return trace_python(graph), None
    if not isinstance(graph, str):
        from ckptdoctor.graphs.live_graph import graph_of_live

        return graph_of_live(graph), None
    opened = (source(graph) for source in (SOURCES_WITH_VALUES if values else SOURCES))
    return next(result for result in opened if result is not None)
