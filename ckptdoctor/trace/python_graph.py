"""A graph that Python source builds."""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from typing import Any

from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Consumer, GraphSpec, SourceLine, Variable
from ckptdoctor.specs.tensor import TensorSpec
from ckptdoctor.trace import cache
from ckptdoctor.trace.child import ask_worker
from ckptdoctor.trace.request import GraphRequest


def trace_python(request: GraphRequest) -> GraphSpec:
    """Traces a graph, or takes the trace of the same content.

    Raises:
        UsageError, GraphError: see `ask_worker`.
    """
    graph = cache.load(request) if request.cache else None
    if graph is None:
        graph = ask_worker(request, "trace")["graph"]
        if request.cache:
            cache.store(request, graph)
    return GraphSpec(
        request.source,
        graph["kind"],
        tuple(map(_variable, graph["variables"])),
        tuple(graph["files"]),
        tuple(graph["notes"]),
    )


def _variable(traced: dict[str, Any]) -> Variable:
    shape, consumer = traced["shape"], traced["consumer"]
    return Variable(
        traced["name"],
        traced["key"],
        TensorSpec(dtype_from_name(traced["dtype"]), tuple(shape or ())),
        trainable=traced["trainable"],
        resource=traced["resource"],
        shape_known=shape is not None,
        collections=tuple(traced["collections"]),
        location=_location(*traced["location"]) if traced["location"] else None,
        consumer=_consumer(consumer) if consumer else None,
        stored=traced.get("stored", ""),
    )


def _location(file: str, line: int) -> SourceLine:
    """A line of source, its file as seen from here where that is shorter."""
    path = Path(file)
    shown = os.path.relpath(file) if path.is_relative_to(Path.cwd()) else file
    return SourceLine(shown, line, linecache.getline(file, line).rstrip())


def _consumer(traced: dict[str, Any]) -> Consumer:
    return Consumer(
        traced["op"],
        traced["name"],
        None if traced["input_shape"] is None else tuple(traced["input_shape"]),
        traced["padding"],
        tuple(traced["strides"]),
        traced["data_format"],
        traced["producer"],
        None if traced["flattened"] is None else tuple(traced["flattened"]),
    )
