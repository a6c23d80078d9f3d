"""TensorFlow's operations as nodes: those of a live graph, and the constants that a transpose or a reshape takes.

TensorFlow is not imported: what is handed in comes from it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Iterator

from .consumers import CONVOLUTIONS, POOLS, Graph, Node, Shape

_INT32, _INT64 = 3, 9  # tensorflow/core/framework/types.proto
_MAX_CONSTANT = 64
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_WITHIN = "\0"  # no name of an operation has it
_MAX_CALLS = 20  # functions within functions
_OTHER_FORMATS = {"NDHWC": "NHWC", "NCDHW": "NCHW", "NWC": "NHWC", "NCW": "NCHW"}


def integers(tensor: Any) -> list[int] | None:
    """The values of a small integer `TensorProto`; None for any other."""
    sizes = [int(dim.size) for dim in tensor.tensor_shape.dim]
    if tensor.dtype not in (_INT32, _INT64) or len(sizes) > 1 or any(not 0 <= s <= _MAX_CONSTANT for s in sizes):
        return None
    count = sizes[0] if sizes else 1
    if tensor.tensor_content:
        layout = f"<{count}{'i' if tensor.dtype == _INT32 else 'q'}"
        if len(tensor.tensor_content) != struct.calcsize(layout):
            return None
        return list(struct.unpack(layout, tensor.tensor_content))
    listed = [int(value) for value in (tensor.int_val if tensor.dtype == _INT32 else tensor.int64_val)][:count]
    # The last value stands for all that follow (tensorflow/core/framework/tensor.cc, `FromProtoField`).
    return listed + (listed[-1:] or [0]) * (count - len(listed))


def graph_of_operations(graph: Any) -> Graph:
    """A `tf.Graph`: nodes under the names of its operations; the functions that it calls are walked into."""
    operations = _Operations(graph)
    return Graph(operations.translate, operations.users)


@dataclass(frozen=True)
class _Call:
    """A function that is called: its own graph, the operation that calls it, and the scope that this stands in."""

    graph: Any
    operation: Any
    outside: str


class _Operations:
    """The operations of a graph under their names, those of a function that it calls under the call's name and theirs."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._calls: dict[str, _Call] = {}

    def _find(self, key: str) -> tuple[Any, str]:
        """An operation (None if there is none) and the scope that it is in."""
        outside, within, name = key.rpartition(_WITHIN)
        scope = outside + within
        call = self._calls.get(scope)
        try:
            return (call.graph if call else self._graph).get_operation_by_name(name), scope
        except (KeyError, ValueError):
            return None, scope

    def _enter(self, operation: Any, scope: str) -> tuple[str, _Call] | None:
        """The scope of the function that an operation calls; None if it calls none, or one that cannot be seen."""
        if operation.type not in _CALLS or scope.count(_WITHIN) >= _MAX_CALLS:
            return None
        inside = scope + operation.name + _WITHIN
        if inside not in self._calls:
            try:
                graph = operation.graph._get_function(operation.get_attr("f").name).graph
                seen = len(graph.inputs) == len(operation.inputs) and len(graph.outputs) == len(operation.outputs)
            except Exception:  # another version of TensorFlow keeps its functions elsewhere
                return None
            if not seen:
                return None
            self._calls[inside] = _Call(graph, operation, scope)
        return inside, self._calls[inside]

    def _source(self, tensor: Any, scope: str) -> tuple[str, int]:
        """Where a tensor comes from: out of a function, or from what a function was called with."""
        entered = self._enter(tensor.op, scope)
        if entered is not None:
            inside, call = entered
            return self._source(call.graph.outputs[tensor.value_index], inside)
        call_here = self._calls.get(scope)
        if call_here is not None and tensor.op.type == "Placeholder":
            for position, parameter in enumerate(call_here.graph.inputs):
                if parameter.name == tensor.name:
                    return self._source(call_here.operation.inputs[position], call_here.outside)
        return scope + tensor.op.name, tensor.value_index

    def users(self, key: str) -> list[str]:
        """The keys of the operations that take an operation's outputs."""
        operation, scope = self._find(key)
        outputs = [] if operation is None else operation.outputs
        return [user for output in outputs for user in self._users_of(output, scope)]

    def _users_of(self, tensor: Any, scope: str) -> Iterator[str]:
        for user in tensor.consumers():
            entered = self._enter(user, scope)
            if entered is None:
                yield scope + user.name
                continue
            inside, call = entered
            for position, given in enumerate(user.inputs):
                if given.name == tensor.name:
                    yield from self._users_of(call.graph.inputs[position], inside)
        call_here = self._calls.get(scope)
        if call_here is not None:
            for position, result in enumerate(call_here.graph.outputs):
                if result.name == tensor.name:
                    yield from self._users_of(call_here.operation.outputs[position], call_here.outside)

    def translate(self, key: str) -> Node | None:
        """An operation as a node."""
        operation, scope = self._find(key)
        if operation is None:
            return None
        return Node(
            operation.name,
            operation.type,
            tuple(self._source(tensor, scope) for tensor in operation.inputs),
            _attributes(operation),
            tuple(sizes_of(output.shape) for output in operation.outputs),
        )


def sizes_of(shape: Any) -> Shape:
    """A `tf.TensorShape` as sizes, -1 for an unknown one; None if the rank is unknown."""
    if shape.rank is None:
        return None
    return tuple(-1 if size is None else int(size) for size in shape.as_list())


def _attributes(operation: Any) -> dict[str, Any]:
    attributes = {}
    for key in ("padding", "strides", "data_format", "transpose_a", "transpose_b"):
        try:
            value = operation.get_attr(key)
        except ValueError:
            continue
        attributes[key] = value.decode() if isinstance(value, bytes) else value
    if operation.type == "Transpose" and operation.inputs[1].op.type == "Const":
        attributes["perm"] = integers(operation.inputs[1].op.get_attr("value"))
    return tidy(operation.type, attributes)


def tidy(op: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """An operation's attributes in the words of `Node`: formats of any rank as those of rank 4, and the default's own."""
    data_format = attributes.get("data_format", "")
    if not data_format and (op in CONVOLUTIONS or op in POOLS):
        data_format = "NHWC"  # tensorflow/core/ops/nn_ops.cc: the default, which a definition may leave out
    attributes["data_format"] = _OTHER_FORMATS.get(data_format, data_format)
    attributes["strides"] = [int(size) for size in attributes.get("strides") or []]
    return attributes
