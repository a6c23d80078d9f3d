"""A live object as a graph: a Keras model, a `tf.Module`, a `tf.train.Checkpoint`, a `Saver`."""

from __future__ import annotations

import linecache
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ckptdoctor.errors import UsageError
from ckptdoctor.graph_worker.consumers import consumer_of_variable
from ckptdoctor.graph_worker.keras_2_structure import describe_keras_2
from ckptdoctor.graph_worker.keras_3 import configuration, own_weights
from ckptdoctor.graph_worker.keras_layers import consumer_of_weight, graph_of_layers
from ckptdoctor.graph_worker.keras_places import places_of_keras_2, places_of_keras_3
from ckptdoctor.graph_worker.keras_structure import describe_layers, describe_structure
from ckptdoctor.graph_worker.objects import Objects
from ckptdoctor.graph_worker.operations import graph_of_operations
from ckptdoctor.graphs.consumer import consumer_of
from ckptdoctor.graphs.keras_structure import read_structure
from ckptdoctor.graphs.tracked_objects import object_graph
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Consumer, GraphKind, GraphSpec, SourceLine, Variable
from ckptdoctor.specs.objects import ObjectGraph
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
    by_key: dict[str, Variable] = {}
    for key, item in named:
        by_key.setdefault(key, _variable(key, item))
    return GraphSpec(_program(), GraphKind.TENSORFLOW_1, tuple(by_key.values()))


def graph_of_objects(root: Any) -> GraphSpec:
    """The variables below a `tf.train.Checkpoint`, under the keys of its object graph: the shortest path to each."""
    objects = Objects(sys.modules["tensorflow"], root)
    variables = [
        replace(_variable(objects.key(number), item), node=number)
        for number, item in enumerate(objects.items)
        if number and hasattr(item, "dtype") and hasattr(item, "shape")
    ]
    graph = object_graph(objects.children, {variable.node: variable.name for variable in variables})
    return GraphSpec(_program(), GraphKind.OBJECTS, tuple(variables), objects=graph)


def graph_of_keras(model: Any) -> GraphSpec:
    """The weights of a Keras model, by path.

    Raises:
        UsageError: it has none until it is called.
    """
    weights = list(model.weights)
    if not weights:
        raise UsageError(
            f"{getattr(model, 'name', type(model).__name__)} has no variables until it is called",
            hint="Call it on an input, or model.build(shape), and try again.",
        )
    uses, places = _uses(model), _places(model)
    objects = _objects_of_model(model)
    variables = tuple(
        replace(
            _variable(getattr(item, "path", item.name).split(":")[0], item),
            consumer=uses.get(id(item)),
            stored=places.get(id(item), ""),
            node=objects.numbers.get(id(item), -1) if objects else -1,
        )
        for item in weights
    )
    three = _is_a(model, _KERAS_3, ("Layer",))
    return GraphSpec(
        _program(),
        GraphKind.KERAS_MODEL,
        variables,
        objects=_as_graph(objects, variables),
        wrapped=objects is not None,
        config=configuration(model) if three else "",
        keras_version=str(sys.modules["keras"].__version__) if three else "",
        keras=read_structure(_structure(model) if three else describe_keras_2(model)),
    )


def _structure(model: Any) -> dict[str, Any] | None:
    """How Keras 3's loaders walk a model; where that cannot be told, its layers."""
    keras = sys.modules["keras"]
    return describe_structure(keras, model) or describe_layers(keras, model)


def graph_of_module(module: Any) -> GraphSpec:
    """The variables of a `tf.Module`, by name, with the objects that `tf.train.Checkpoint(model=module)` would save.

    Raises:
        UsageError: it has none.
    """
    if not module.variables:
        raise UsageError(f"{type(module).__name__} has no variables yet", hint="Call it on an input, and try again.")
    objects = _objects_of_model(module)
    numbers = objects.numbers if objects else {}
    times = Counter(_variable(_saved_name(item), item).name for item in module.variables)
    variables = []
    for item in module.variables:
        variable, node = _variable(_saved_name(item), item), numbers.get(id(item), -1)
        # Outside of graphs names are not unique: all that were given none are called Variable.
        shared = objects is not None and node >= 0 and times[variable.name] > 1
        name = objects.paths[node].partition("/")[2] if objects and shared else variable.name
        variables.append(replace(variable, name=name, key=name, node=node))
    graph = _as_graph(objects, variables)
    return GraphSpec(_program(), GraphKind.TENSORFLOW_2, tuple(variables), objects=graph, wrapped=objects is not None)


_KERAS_3 = ("keras.src.",)
_KERAS = (*_KERAS_3, "keras.", "tf_keras.", "tensorflow.python.keras.")
_KINDS: tuple[tuple[tuple[str, ...], tuple[str, ...], Callable[[Any], GraphSpec]], ...] = (
    (("tensorflow.python.training.saver",), ("Saver",), graph_of_saver),
    (_KERAS, ("Model", "Layer"), graph_of_keras),
    (
        ("tensorflow.python.checkpoint.checkpoint", "tensorflow.python.training.tracking.util"),
        ("Checkpoint", "CheckpointV1"),
        graph_of_objects,
    ),
    (("tensorflow.python.module.module",), ("Module",), graph_of_module),
)
"""Modules that a class or one it is made from is of, the names it has there, and what reads it; the first that fits."""


def graph_of_live(item: Any) -> GraphSpec:
    """A live Keras model (or layer), `tf.train.Checkpoint`, `tf.Module` or `tf.compat.v1.train.Saver` as a graph.

    Neither TensorFlow nor Keras is imported: what is handed in has been made by them.

    Raises:
        UsageError: it is none of these, or has no variables.
    """
    for modules, names, read in _KINDS:
        if _is_a(item, modules, names):
            return read(item)
    raise UsageError(
        f"a {type(item).__name__} is no graph",
        hint="Pass a Keras model, a tf.Module, a tf.train.Checkpoint, a Saver, or the name of a graph.",
    )


def _is_a(item: Any, modules: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether a class that something is of has one of these names in one of these modules."""
    return any(kind.__name__ in names and kind.__module__.startswith(modules) for kind in type(item).__mro__)


def _places(model: Any) -> dict[int, str]:
    """A weight's id → where Keras puts it in a `.weights.h5` file; empty where that is not known."""
    if _is_a(model, _KERAS_3, ("Layer",)) and hasattr(model, "_flatten_layers") and "keras" in sys.modules:
        places = places_of_keras_3(model)
        if places:
            return places
    package = next((kind.__module__.split(".")[0] for kind in type(model).__mro__ if kind.__name__ == "Model"), "")
    return places_of_keras_2(package, model) if package in ("keras", "tf_keras") else {}


def _objects_of_model(model: Any) -> Objects | None:
    """The objects that a `tf.train.Checkpoint` around a model would save; None where TensorFlow cannot walk it."""
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return None
    try:
        return Objects(tensorflow, tensorflow.train.Checkpoint(model=model))
    except Exception:  # a model on another of Keras's backends is no object of TensorFlow's
        return None


def _as_graph(objects: Objects | None, variables: Iterable[Variable]) -> ObjectGraph | None:
    if objects is None:
        return None
    return object_graph(objects.children, {item.node: item.name for item in variables if item.node >= 0})


def _uses(model: Any) -> dict[int, Consumer | None]:
    """The id of a Keras 3 model's weight → what uses it; empty for a model of Keras 2."""
    graph = graph_of_layers()
    layers = model._flatten_layers() if hasattr(model, "_flatten_layers") else ()
    return {
        id(weight): consumer_of(consumer_of_weight(graph, layer, weight))
        for layer in layers
        for weight in own_weights(layer)
    }


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
        partitioned=part is not None,
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
