"""The nodes of a graph definition, with the shapes that it carries or that follow from it.

Shapes are in `_output_shapes`, which `tf.train.export_meta_graph` adds and `Graph.as_graph_def()` does not.

Source: TensorFlow, tensorflow/core/framework/node_def.proto (an input is `name`, `name:output` or `^control`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckptdoctor.containers.protobuf import Message
from ckptdoctor.graph_worker.consumers import Graph, Node, Tensor
from ckptdoctor.graph_worker.operations import integers, tidy
from ckptdoctor.graphs.output_shapes import Operation, infer_shape
from ckptdoctor.specs.tensor import Shape

_DECLARED = ("Placeholder", "VariableV2", "Variable", "VarHandleOp", "AutoReloadVariable")
_LISTS = ("strides", "ksize", "dilations", "squeeze_dims")
_TEXTS = ("padding", "data_format")
_FLAGS = ("keep_dims", "transpose_a", "transpose_b")
_CONSTANT_INPUTS = ("Transpose", "Reshape", "Mean", "Max", "Sum", "ConcatV2", "ExpandDims")


def tensors(node: Message) -> list[Tensor]:
    """The tensors that a node takes: name of a node, and which of its outputs."""
    taken: list[Tensor] = []
    for data in node.input:
        if not data.startswith(b"^"):
            name, _, output = data.decode("utf-8", "replace").partition(":")
            taken.append((name, int(output) if output.isdecimal() and len(output) < 6 else 0))
    return taken


def inputs(node: Message) -> list[str]:
    """The names of the nodes that a node takes data from."""
    return [str(name) for name, _ in tensors(node)]


def graph_of_definition_nodes(by_name: Mapping[str, Message]) -> Graph:
    """The nodes of a definition, given by their names in its order."""
    nodes: dict[str, Node] = {}
    users: dict[str, list[str]] = {}
    constants: dict[str, list[int]] = {}
    for name, node in by_name.items():
        for source in inputs(node):
            users.setdefault(source, []).append(name)
        nodes[name] = _translate(name, node, nodes, constants)
    return Graph(nodes.get, lambda name: users.get(name, ()))


def _translate(name: str, node: Message, nodes: Mapping[str, Node], constants: dict[str, list[int]]) -> Node:
    """A node, from those before it; a definition's nodes come after what they take, but for loops."""
    op = node.op.decode("utf-8", "replace")
    given = {entry.key: entry.value for entry in node.attr}
    taken = tensors(node)
    attributes: dict[str, Any] = {
        key: given[key.encode()].s.decode("utf-8", "replace") for key in _TEXTS if key.encode() in given
    }
    attributes |= {key: list(given[key.encode()].list.i) for key in _LISTS if key.encode() in given}
    attributes |= {key: given[key.encode()].b for key in _FLAGS if key.encode() in given}
    sources = [str(source) for source, _ in taken]
    if op == "Const" and b"value" in given:
        values = integers(given[b"value"].tensor)
        if values is not None:
            constants[name] = values
    elif op == "Pack":
        # A shape that is put together: `[tf.shape(x)[0], 1568]`. What is not constant is not known.
        constants[name] = [constants[s][0] if len(constants.get(s, ())) == 1 else -1 for s in sources]
    if op == "Transpose" and len(sources) > 1:
        attributes["perm"] = constants.get(sources[1])
    attributes = tidy(op, attributes)
    shapes = _carried(given)
    if not shapes:
        operation = Operation(
            op,
            [_shape_of(nodes, tensor) for tensor in taken],
            [constants.get(source) for source in sources] if op in _CONSTANT_INPUTS else (),
            attributes,
        )
        declared = _declared(op, given)
        shapes = (infer_shape(operation) if declared is None else declared,) * (2 if op == "Switch" else 1)
    return Node(name, op, tuple(taken), attributes, shapes)


def _shape_of(nodes: Mapping[str, Node], tensor: Tensor) -> Shape | None:
    node = nodes.get(str(tensor[0]))
    return node.shapes[tensor[1]] if node is not None and tensor[1] < len(node.shapes) else None


def _carried(given: Mapping[bytes, Message]) -> tuple[Shape | None, ...]:
    listed = given[b"_output_shapes"].list.shape if b"_output_shapes" in given else ()
    return tuple(_sizes(shape) for shape in listed)


def _declared(op: str, given: Mapping[bytes, Message]) -> Shape | None:
    if op in _DECLARED and b"shape" in given and given[b"shape"].HasField("shape"):
        return _sizes(given[b"shape"].shape)
    if op == "Const" and b"value" in given:
        return _sizes(given[b"value"].tensor.tensor_shape)
    return None


def _sizes(shape: Message) -> Shape | None:
    return None if shape.unknown_rank else tuple(dim.size for dim in shape.dim)
