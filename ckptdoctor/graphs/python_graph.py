"""A graph that Python source builds."""

from __future__ import annotations

import linecache
import os
from pathlib import Path
from typing import Any

from ckptdoctor.errors import GraphError
from ckptdoctor.graphs import cache
from ckptdoctor.graphs.child import ask_worker
from ckptdoctor.graphs.consumer import consumer_of
from ckptdoctor.graphs.keras_structure import read_structure
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.graphs.tracked_objects import object_graph
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, SourceLine, Variable
from ckptdoctor.specs.keras_model import KerasModel
from ckptdoctor.specs.objects import ObjectGraph
from ckptdoctor.specs.tensor import TensorSpec


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
    return spec_of_trace(request, graph)


def spec_of_trace(request: GraphRequest, graph: dict[str, Any]) -> GraphSpec:
    """What the worker's answer says of a graph.

    Raises:
        GraphError: a variable has a type that is not known.
    """
    try:
        return _spec(request, graph)
    except KeyError as error:
        raise GraphError(
            f"{request.source} has a variable of a type that is not known: {error}",
            hint="Name another interpreter with --python, or report the type.",
        ) from error


def _spec(request: GraphRequest, graph: dict[str, Any]) -> GraphSpec:
    return GraphSpec(
        request.source,
        GraphKind(graph["kind"]),
        tuple(map(_variable, graph["variables"])),
        tuple(graph["files"]),
        tuple(graph["notes"]),
        _objects(graph),
        graph["wrapped"],
        graph["config"],
        graph["keras_version"],
        _structure(graph),
        tuple(graph["unlisted"]),
        tuple((name, value) for name, value in graph["parameters"]),
    )


def _structure(graph: dict[str, Any]) -> KerasModel | None:
    """The model's structure, if its weights are the graph's variables."""
    model = read_structure(graph["keras"])
    keys = {variable["key"] for variable in graph["variables"]}
    if model is None or any(
        model.variables[number].key not in keys for layer in model.layers for number in layer.weights
    ):
        return None
    return model


def _objects(graph: dict[str, Any]) -> ObjectGraph | None:
    names = {variable["node"]: variable["name"] for variable in graph["variables"] if variable["node"] >= 0}
    return None if graph["objects"] is None else object_graph(graph["objects"], names)


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
        consumer=consumer_of(consumer),
        stored=traced["stored"],
        node=traced["node"],
        partitioned=traced["partitioned"],
    )


def seen_from_here(file: str) -> str:
    """A file's path from the working directory, where that is shorter."""
    return os.path.relpath(file) if Path(file).is_relative_to(Path.cwd()) else file


def _location(file: str, line: int) -> SourceLine:
    return SourceLine(seen_from_here(file), line, linecache.getline(file, line).rstrip())
