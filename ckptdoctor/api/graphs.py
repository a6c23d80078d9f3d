"""A graph with its inputs and arguments, from Python values or from the command line's words."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.request import (
    DEFAULT_TIMEOUT,
    GraphRequest,
    Input,
    is_python_graph,
    parse_arg,
    parse_input,
    parse_target,
)

if TYPE_CHECKING:
    from ckptdoctor.specs.graph import GraphSpec

__all__ = [
    "DEFAULT_TIMEOUT",
    "Args",
    "GraphName",
    "Inputs",
    "graph_request",
    "python_request",
    "read_graph",
]

GraphName = str | os.PathLike[str]
"""A GRAPH argument: `file.py`, `file.py:function`, `package.module:function`, `.meta`, a Keras file, a checkpoint."""

Inputs = Mapping[str, Any] | Sequence[str]
"""Tensor parameters: `{"images": (None, 224, 224, 3)}`, with a type `{"ids": ((1, 128), "int32")}`, or the command line's
`["images:Nx224x224x3"]`. None is an unknown size."""

Args = Mapping[str, Any] | Sequence[str]
"""Other parameters: `{"num_classes": 10}`, or the command line's `["num_classes=10"]`. Values are Python literals,
because they travel to another process: None, booleans, numbers, strings, bytes, and lists, tuples, sets and dicts of them."""

_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def graph_request(
    graph: GraphName,
    *,
    inputs: Inputs = (),
    args: Args = (),
    python: GraphName = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
) -> str | GraphRequest:
    """A graph with its parameters: a request for Python source, else the name itself.

    Args:
        graph: a GRAPH argument.
        inputs: tensor parameters.
        args: other parameters.
        python: the interpreter that builds the graph; the running one without it.
        timeout: seconds that building the graph may take.
        cache: whether the trace of an unchanged graph may be used.

    Raises:
        UsageError: one of them cannot be understood, or means nothing to this graph.
    """
    name = os.fspath(graph)
    if is_python_graph(name):
        return python_request(name, inputs=inputs, args=args, python=python, timeout=timeout, cache=cache)
    if inputs or args:
        raise UsageError(f"{name} is no Python source, so --input and --arg mean nothing to it", hint="Leave them out.")
    return name


def python_request(
    graph: GraphName,
    *,
    inputs: Inputs = (),
    args: Args = (),
    python: GraphName = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = False,
) -> GraphRequest:
    """A request for a graph that must be built, and perhaps run; see `graph_request`.

    Raises:
        UsageError: one of them cannot be understood, or the graph is no Python source.
    """
    target, name = parse_target(os.fspath(graph))
    tensors = (
        map(_input, inputs.items()) if isinstance(inputs, Mapping) else map(parse_input, _listed(inputs, "inputs"))
    )
    values = map(_arg, args.items()) if isinstance(args, Mapping) else map(parse_arg, _listed(args, "args"))
    interpreter = os.fspath(python) or sys.executable
    return GraphRequest(target, name, tuple(tensors), tuple(values), interpreter, timeout, cache)


def _listed(values: Sequence[str], name: str) -> Sequence[str]:
    if isinstance(values, str):
        raise UsageError(f"{name} is one string, {values!r}", hint=f"Pass a dict, or a list of strings: [{values!r}].")
    return values


def _input(item: tuple[str, Any]) -> Input:
    """A tensor parameter from a shape, a shape and a type, or something that has both, such as a `tf.TensorSpec`."""
    from ckptdoctor.specs.dtype import dtype_from_name

    name, value = item
    shape, dtype = value, "float32"
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        shape, dtype = value.shape, value.dtype
    elif isinstance(value, Sequence) and len(value) == 2 and not isinstance(value[0], int | None):
        shape, dtype = value
    try:
        sizes = tuple(-1 if size is None else _size(size) for size in _sizes(shape))
        return Input(name, sizes, dtype_from_name(_dtype_name(dtype)).name)
    except (AttributeError, TypeError, ValueError, KeyError):
        raise UsageError(
            f"inputs[{name!r}] = {value!r} is no shape",
            hint=f'For example {{"{name}": (None, 224, 224, 3)}} or {{"{name}": ((1, 128), "int32")}}; None is an unknown size.',
        ) from None


def _sizes(shape: Any) -> Iterable[Any]:
    if isinstance(shape, str):
        raise TypeError(shape)
    sizes: Iterable[Any] = shape
    return sizes


def _size(size: Any) -> int:
    number = int(getattr(size, "value", size))  # a TensorFlow 1 Dimension has its size in `value`
    if number < -1 or number != size:
        raise ValueError(number)
    return number


def _dtype_name(dtype: Any) -> str:
    """The name of a type, as NumPy, TensorFlow and Keras have them: a string, a dtype, or a class such as `np.int32`."""
    return dtype if isinstance(dtype, str) else str(getattr(dtype, "name", None) or dtype.__name__)


def _arg(item: tuple[str, Any]) -> tuple[str, Any]:
    name, value = item
    odd = _not_plain(value)
    if odd is not None:
        raise UsageError(
            f"args[{name!r}] holds {odd[:80]}, which cannot travel to the process that builds the graph",
            hint="Pass literals: None, booleans, numbers, strings, bytes, and lists, tuples, sets and dicts of them.",
        )
    return name, value


def _not_plain(value: Any) -> str | None:
    """What in a value is no plain literal; None if all of it is."""
    if type(value) in (list, tuple, set):
        inner: Iterable[Any] = value
    elif type(value) is dict:
        inner = [*value, *value.values()]
    else:
        # A subclass, such as an enum of strings, would arrive as something else.
        return None if type(value) in _PLAIN else f"{value!r} of type {type(value).__name__}"
    return next((odd for item in inner if (odd := _not_plain(item)) is not None), None)


def read_graph(graph: GraphName | GraphRequest) -> GraphSpec:
    """What a graph declares. See `ckptdoctor.graphs.reading.read_graph`.

    Raises:
        UsageError, GraphError, FormatError: it cannot be built or read.
    """
    from ckptdoctor.graphs.reading import read_graph as read

    return read(graph if isinstance(graph, GraphRequest) else os.fspath(graph))
