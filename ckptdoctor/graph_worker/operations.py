"""TensorFlow's operations as nodes: those of a live graph, and the constants that a transpose or a reshape takes.

TensorFlow is not imported: what is handed in comes from it.
"""

from __future__ import annotations

import struct
from typing import Any

from .consumers import CONVOLUTIONS, POOLS, Graph, Node, Shape

_INT32, _INT64 = 3, 9  # tensorflow/core/framework/types.proto
_MAX_CONSTANT = 64
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
    """A `tf.Graph`: nodes under the names of its operations."""

    def find(name: str) -> Any:
        try:
            return graph.get_operation_by_name(name)
        except (KeyError, ValueError):
            return None

    def translate(name: str) -> Node | None:
        operation = find(name)
        return None if operation is None else _node(operation)

    def users(name: str) -> list[str]:
        operation = find(name)
        outputs = [] if operation is None else operation.outputs
        return [user.name for output in outputs for user in output.consumers()]

    return Graph(translate, users)


def sizes_of(shape: Any) -> Shape:
    """A `tf.TensorShape` as sizes, -1 for an unknown one; None if the rank is unknown."""
    if shape.rank is None:
        return None
    return tuple(-1 if size is None else int(size) for size in shape.as_list())


def _node(operation: Any) -> Node:
    attributes = {}
    for key in ("padding", "strides", "data_format", "transpose_a"):
        try:
            value = operation.get_attr(key)
        except ValueError:
            continue
        attributes[key] = value.decode() if isinstance(value, bytes) else value
    if operation.type == "Transpose" and operation.inputs[1].op.type == "Const":
        attributes["perm"] = integers(operation.inputs[1].op.get_attr("value"))
    return Node(
        operation.name,
        operation.type,
        tuple((tensor.op.name, tensor.value_index) for tensor in operation.inputs),
        tidy(operation.type, attributes),
        tuple(sizes_of(output.shape) for output in operation.outputs),
    )


def tidy(op: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """An operation's attributes in the words of `Node`: formats of any rank as those of rank 4, and the default's own."""
    data_format = attributes.get("data_format", "")
    if not data_format and (op in CONVOLUTIONS or op in POOLS):
        data_format = "NHWC"  # tensorflow/core/ops/nn_ops.cc: the default, which a definition may leave out
    attributes["data_format"] = _OTHER_FORMATS.get(data_format, data_format)
    attributes["strides"] = [int(size) for size in attributes.get("strides") or []]
    return attributes
