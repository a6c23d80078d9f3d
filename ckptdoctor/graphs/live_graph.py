"""The variables that a restore was to fill, as a graph."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ckptdoctor.graph_worker.consumers import consumer_of_variable
from ckptdoctor.graph_worker.keras_layers import consumer_of_weight, graph_of_layers
from ckptdoctor.graph_worker.operations import graph_of_operations
from ckptdoctor.graphs.consumer import consumer_of
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Consumer, GraphKind, GraphSpec, SourceLine, Variable
from ckptdoctor.specs.objects import OBJECT_VALUE, ObjectGraph, TrackedObject
from ckptdoctor.specs.tensor import TensorSpec


def graph_of_saver(saver: Any) -> GraphSpec:
    """The variables of a `tf.compat.v1.train.Saver`, under the keys that it restores them from."""
    variables = saver._var_list
    if not isinstance(variables, dict):
        named = [(_saved_name(item), item) for item in variables or _graph_variables()]
    else:
        named = [
            (name, part) for name, item in variables.items() for part in (item if isinstance(item, list) else [item])
        ]
    found: dict[str, Variable] = {}
    for key, item in named:
        found.setdefault(key, _variable(key, item))
    return GraphSpec(_program(), GraphKind.TENSORFLOW_1, tuple(found.values()))


def graph_of_objects(root: Any) -> GraphSpec:
    """The variables below a `tf.train.Checkpoint`, under the keys of its object graph: the shortest path to each."""
    view = sys.modules["tensorflow"].train.TrackableView(root)
    items: list[Any] = [root]  # kept: an id is an object's own only while it lives
    numbers = {id(root): 0}
    objects: list[TrackedObject] = []
    for item in items:
        links = []
        for name, child in view.children(item).items():
            if id(child) not in numbers:
                numbers[id(child)] = len(items)
                items.append(child)
            links.append((name, numbers[id(child)]))
        objects.append(TrackedObject(tuple(links)))
    graph = ObjectGraph(tuple(objects))
    found = [
        replace(_variable(path + OBJECT_VALUE, items[number]), node=number)
        for number, path in graph.paths().items()
        if path and hasattr(items[number], "dtype") and hasattr(items[number], "shape")
    ]
    return GraphSpec(_program(), GraphKind.OBJECTS, tuple(found), objects=graph)


def graph_of_keras(model: Any) -> GraphSpec:
    """The weights of a Keras model, by path."""
    uses = _uses(model)
    weights = [
        replace(_variable(getattr(item, "path", item.name).split(":")[0], item), consumer=uses.get(id(item)))
        for item in model.weights
    ]
    return GraphSpec(_program(), GraphKind.KERAS_MODEL, tuple(weights))


def _uses(model: Any) -> dict[int, Consumer | None]:
    """The id of a Keras 3 model's weight → what uses it; empty for a model of Keras 2."""
    graph = graph_of_layers()
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else ()
    return {
        id(weight): consumer_of(consumer_of_weight(graph, layer, weight))
        for layer in layers
        for weight in (*_own(layer, "_trainable_variables"), *_own(layer, "_non_trainable_variables"))
    }


def _own(layer: Any, name: str) -> Iterable[Any]:
    variables: Iterable[Any] = getattr(layer, name, ())
    return variables


def _program() -> str:
    return sys.argv[0] or "graph.py"


def _graph_variables() -> Iterable[Any]:
    variables: Iterable[Any] = sys.modules["tensorflow"].compat.v1.global_variables()
    return variables


def _saved_name(item: Any) -> str:
    part = item._get_save_slice_info() if hasattr(item, "_get_save_slice_info") else None
    if part is not None:
        return str(part.full_name)
    return str(getattr(item, "_shared_name", None) or item.name.split(":")[0])


def _variable(key: str, item: Any) -> Variable:
    part = item._get_save_slice_info() if hasattr(item, "_get_save_slice_info") else None
    shape = part.full_shape if part is not None else _sizes(item.shape)
    name = getattr(item, "path", None) or str(getattr(item, "name", key)).split(":")[0]
    dtype = item.dtype if isinstance(item.dtype, str) else item.dtype.base_dtype.name
    return Variable(
        name if isinstance(name, str) else key,
        key,
        TensorSpec(dtype_from_name(dtype), tuple(shape or ())),
        trainable=bool(getattr(item, "trainable", True)),
        resource="Resource" in type(item).__name__ or hasattr(item, "path"),
        shape_known=shape is not None,
        location=_location(item),
        consumer=_consumer(item),
    )


def _consumer(item: Any) -> Consumer | None:
    """What uses a variable of a graph; an eager one has no operation."""
    try:
        operation = item.op
        graph = operation.graph
    except Exception:  # an eager variable has no operation, and says so in several ways
        return None
    return consumer_of(consumer_of_variable(graph_of_operations(graph), operation.name))


def _sizes(shape: Any) -> list[int] | None:
    if getattr(shape, "rank", 0) is None:
        return None
    return [-1 if size is None else int(size) for size in shape]


def _location(item: Any) -> SourceLine | None:
    """The line of the program that made a variable, where TensorFlow remembers it."""
    try:
        frames = list(item.op.traceback)
    except Exception:  # an eager variable has no operation, and says so in several ways
        return None
    for frame in reversed(frames):
        if "site-packages" not in frame.filename and "dist-packages" not in frame.filename:
            file = Path(frame.filename)
            shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
            return SourceLine(str(shown), frame.lineno, linecache.getline(frame.filename, frame.lineno).rstrip())
    return None
