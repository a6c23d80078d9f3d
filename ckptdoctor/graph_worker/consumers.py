"""Which operation uses a weight, and through which flatten its data comes: worked out here for every source of a graph.

A source (a TensorFlow graph, a `GraphDef`, the layers of a Keras model) only translates into nodes. What is asked of them
is the order in which a map's elements lie where a flatten takes them, relative to the convolution that made the map. What
cannot be seen is unknown (None or empty), never guessed: a matrix over a flattened map equals a convolution only in
(height, width, channel) order.

This module is used by ckptdoctor and, by path, under the user's interpreter: Python 3.8, the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Hashable, Optional, Sequence, Tuple

Shape = Optional[Tuple[int, ...]]
"""Sizes, -1 for an unknown one; None if not even the rank is known."""
Tensor = Tuple[Hashable, int]
"""The node that makes a tensor, and which of its outputs it is."""


@dataclass(frozen=True)
class Node:
    """An operation of a graph, or a layer of a Keras model.

    Attributes:
        name: as a person reads it.
        op: its type: `Conv2D`, `MaxPooling2D`, …
        inputs: the tensors that it takes.
        attributes: of these, what is known: `padding`, `strides`, `data_format` (`NHWC` for channels last and `NCHW` for
            channels first, whatever the rank), `perm` (of a transpose, batch included), `transpose_a`, `transpose_b`.
        shapes: of its outputs; fewer where they are not known.
    """

    name: str
    op: str
    inputs: tuple[Tensor, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    shapes: tuple[Shape, ...] = ()


class Graph:
    """A graph's nodes, each translated when it is first asked for.

    Args:
        translate: a node's key → the node, None if there is none.
        users: a node's key → the keys of the nodes that take one of its outputs.
    """

    def __init__(
        self, translate: Callable[[Any], Node | None], users: Callable[[Any], Sequence[Any]] = lambda key: ()
    ) -> None:
        self._translate = translate
        self.users = users
        self._nodes: dict[Hashable, Node | None] = {}
        self._axes: dict[Tensor, Axes | None] = {}

    def node(self, key: Hashable) -> Node | None:
        """The node under a key."""
        if key not in self._nodes:
            self._nodes[key] = self._translate(key)
        return self._nodes[key]

    def shape(self, tensor: Tensor) -> Shape:
        """The shape of a tensor."""
        node = self.node(tensor[0])
        return node.shapes[tensor[1]] if node is not None and tensor[1] < len(node.shapes) else None

    def axes(self, tensor: Tensor, depth: int = 0) -> Axes | None:
        """What the axes of a tensor are, relative to the convolution before it; None if that is not seen."""
        if tensor in self._axes:
            return self._axes[tensor]
        node, shape = self.node(tensor[0]), self.shape(tensor)
        if node is None or shape is None or depth > _DEPTH:
            return None
        self._axes[tensor] = None  # for a loop that comes back here
        axes = _axes_of(self, node, shape, depth) or _axes_by_users(self, tensor, shape)
        self._axes[tensor] = axes
        return axes


_DEPTH = 100

CONVOLUTIONS = frozenset(
    ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "Conv3DBackpropInputV2",
     "Conv1D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D",
     "DepthwiseConv1D", "DepthwiseConv2D", "Convolution1D", "Convolution2D", "Convolution3D")
)  # fmt: skip
"""What makes a map whose axes are known: TensorFlow's operations, then Keras's layers; so in the sets below."""
POOLS = frozenset(
    ("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D", "AveragePooling1D",
     "AveragePooling2D", "AveragePooling3D", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D",
     "ZeroPadding2D", "ZeroPadding3D", "Cropping1D", "Cropping2D", "Cropping3D")
)  # fmt: skip
"""What takes a map in an order of axes of its own, and keeps that order."""
PASSING = frozenset(
    ("Identity", "StopGradient", "PreventGradient", "CheckNumerics", "Cast", "Enter", "Exit", "Snapshot", "Dropout",
     "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "AlphaDropout", "GaussianDropout", "GaussianNoise",
     "ActivityRegularization", "Functional", "Sequential", "Model")
)  # fmt: skip
"""What hands its first input on, as far as its elements' places and their number go."""
ELEMENTWISE = frozenset(
    ("Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Abs", "Neg", "Exp", "Log",
     "Square", "Sqrt", "Rsqrt", "Add", "AddV2", "AddN", "Sub", "Mul", "RealDiv", "Div", "Maximum", "Minimum",
     "SquaredDifference", "Switch", "Merge", "RefSwitch", "RefMerge", "Select", "SelectV2", "FakeQuantWithMinMaxVars", "BiasAdd",
     "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "LRN", "PlaceholderWithDefault",
     "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "BatchNormalization", "LayerNormalization",
     "GroupNormalization", "UnitNormalization", "Rescaling", "Normalization", "Multiply", "Average", "Subtract", "Silu",
     "Gelu", "Swish", "HardSigmoid", "Divide")
)  # fmt: skip
"""What computes each element from those in the same place."""
SAME_RANK = frozenset(
    ("ConcatV2", "Concat", "Concatenate", "Pad", "PadV2", "MirrorPad", "ResizeBilinear", "ResizeNearestNeighbor",
     "BatchToSpaceND", "SpaceToBatchND", "Mean", "Max")
)  # fmt: skip
"""What keeps the order of axes, though not their sizes, where the rank stays the same."""
TRANSPOSES = frozenset(("Transpose", "Permute"))
RESHAPES = frozenset(("Reshape", "Squeeze", "ExpandDims", "Flatten"))

_LETTERS = {3: "WC", 4: "HWC", 5: "DHWC"}
_RANK_OF_MATRIX = 2

_WEIGHT_PASSES = frozenset(
    ("Identity", "ReadVariableOp", "Cast", "Enter", "Reshape", "ExpandDims", "Transpose", "ConcatV2")
)
_NO_USE = frozenset(
    ("Assign", "AssignVariableOp", "AssignSub", "AssignAdd", "AssignSubVariableOp", "AssignAddVariableOp", "L2Loss",
     "VarIsInitializedOp", "IsVariableInitialized", "NoOp", "SaveV2", "Save", "SaveSlices", "HistogramSummary", "Shape",
     "Abs", "Square", "Sum", "Mul", "VariableShape")
)  # fmt: skip
_WEIGHT_DEPTH = 6
_BACKWARD = ("Conv2DBackpropInput", "Conv3DBackpropInputV2")
_DATA_AT = dict.fromkeys(_BACKWARD, 2)


@dataclass(frozen=True)
class Axes:
    """What the axes of a tensor are.

    Attributes:
        dims: for each axis, what it is made of, outermost first: (letter, size) each; `N` is the batch.
        moved_by: the type of the operation that changed their order after the convolution; empty if none did.
    """

    dims: tuple[tuple[tuple[str, int], ...], ...]
    moved_by: str = ""

    def letters(self) -> str:
        """One letter an axis; empty if one is made of several."""
        return "".join(dim[0][0] for dim in self.dims) if all(len(dim) == 1 for dim in self.dims) else ""


def _labelled(letters: str, shape: tuple[int, ...], moved_by: str = "") -> Axes | None:
    if len(letters) != len(shape):
        return None
    return Axes(tuple(((letter, size),) for letter, size in zip(letters, shape)), moved_by)


def _made_by(node: Node, shape: tuple[int, ...]) -> Axes | None:
    """The axes of a map as a convolution makes it."""
    spatial = _LETTERS.get(len(shape), "")
    data_format = node.attributes.get("data_format", "")
    if not spatial or data_format not in ("NHWC", "NCHW"):
        return None
    return _labelled("N" + spatial if data_format == "NHWC" else "NC" + spatial[:-1], shape)


def _axes_of(graph: Graph, node: Node, shape: tuple[int, ...], depth: int) -> Axes | None:
    """The axes of a node's output, from the node itself or from its inputs."""
    if node.op in CONVOLUTIONS:
        return _made_by(node, shape)
    if not node.inputs:
        return None
    if node.op in PASSING or node.op in ELEMENTWISE or node.op in SAME_RANK or node.op in POOLS:
        before = _agreed(graph, node, shape, depth)
        if before is None:
            return _made_by(node, shape) if node.op in POOLS else None
        if before.letters():
            return _labelled(before.letters(), shape, before.moved_by)
        return before if node.op in PASSING or node.op in ELEMENTWISE else None
    if node.op in TRANSPOSES or node.op in RESHAPES:
        before = graph.axes(node.inputs[0], depth + 1)
        if before is None:
            return None
        return _transposed(before, node) if node.op in TRANSPOSES else _reshaped(before, node, shape)
    return None


def _agreed(graph: Graph, node: Node, shape: tuple[int, ...], depth: int) -> Axes | None:
    """The axes of the inputs that have the output's rank, where all that are known are the same."""
    inputs = node.inputs[:1] if node.op in PASSING else node.inputs
    known = None
    for tensor in inputs:
        given = graph.shape(tensor)
        axes = graph.axes(tensor, depth + 1) if given is not None and len(given) == len(shape) else None
        if axes is None:
            continue
        if known is not None and _order(known) != _order(axes):
            return None
        known = axes
    return known


def _order(axes: Axes) -> tuple[str, ...]:
    return tuple("".join(letter for letter, _ in dim) for dim in axes.dims)


def _transposed(before: Axes, node: Node) -> Axes | None:
    perm = node.attributes.get("perm")
    if perm is None or sorted(perm) != list(range(len(before.dims))):
        return None
    dims = tuple(before.dims[axis] for axis in perm)
    return Axes(dims, node.op if dims != before.dims else before.moved_by)


def _reshaped(before: Axes, node: Node, shape: tuple[int, ...]) -> Axes | None:
    if node.op == "Flatten" and node.attributes.get("data_format") == "NCHW":
        # Keras puts the channels of such a map last before it flattens it (keras/src/layers/reshaping/flatten.py).
        before = Axes((before.dims[0], *before.dims[2:], before.dims[1]), node.op)
    dims = _regrouped([part for dim in before.dims for part in dim], shape)
    return None if dims is None else Axes(dims, before.moved_by)


def _regrouped(parts: list[tuple[str, int]], shape: tuple[int, ...]) -> tuple[tuple[tuple[str, int], ...], ...] | None:
    """The same elements in the same order under another shape; None where an axis would be split, or a size is unknown."""
    if sum(size < 0 for _, size in parts) > 1:
        return None
    groups: list[tuple[tuple[str, int], ...]] = []
    at = 0
    for size in shape:
        group: list[tuple[str, int]] = []
        product = 1
        if at < len(parts) and size == parts[at][1] and size <= 1:
            # An unknown size, or one of 1, stands for itself.
            group, at = [parts[at]], at + 1
        elif size < 0:
            return None
        else:
            while product < size and at < len(parts) and parts[at][1] >= 0:
                group.append(parts[at])
                product *= parts[at][1]
                at += 1
            if product != size:
                return None
        groups.append(tuple(group))
    if any(size != 1 for _, size in parts[at:]) or not groups:
        return None
    groups[-1] += tuple(parts[at:])
    return tuple(groups)


def _axes_by_users(graph: Graph, tensor: Tensor, shape: tuple[int, ...]) -> Axes | None:
    """The axes of a map as a convolution takes it, where what made the map says nothing."""
    agreed = None
    for key in graph.users(tensor[0]):
        user = graph.node(key)
        if user is None or user.op not in CONVOLUTIONS or len(user.inputs) <= _DATA_AT.get(user.op, 0):
            continue
        if user.inputs[_DATA_AT.get(user.op, 0)] == tensor:
            taken = _made_by(user, shape)
            if taken is None or (agreed is not None and agreed != taken):
                return None
            agreed = taken
    return agreed


# --- What is asked ---------------------------------------------------------------------------------------------------


def find_user(graph: Graph, key: Hashable) -> tuple[Hashable, Tensor] | None:
    """The node that uses a variable's value, found through reads, casts and reshapes, and the tensor that it takes of it."""
    pending: list[tuple[Hashable, int]] = [(key, 0)]
    seen = {key}
    first = None
    for current, depth in pending:
        for user in graph.users(current):
            node = graph.node(user)
            if node is None or user in seen or node.op in _NO_USE or node.op.startswith(("Apply", "ResourceApply")):
                continue
            seen.add(user)
            if node.op in _WEIGHT_PASSES and depth < _WEIGHT_DEPTH:
                pending.append((user, depth + 1))
            elif first is None:
                first = (user, next(tensor for tensor in node.inputs if tensor[0] == current))
    return first


def consumer_of_variable(graph: Graph, key: Hashable) -> dict[str, Any] | None:
    """The consumer of a variable of a TensorFlow graph, in the fields of `ckptdoctor.specs.graph.Consumer`."""
    user_and_weight = find_user(graph, key)
    if user_and_weight is None:
        return None
    user, weight = user_and_weight
    node = graph.node(user)
    assert node is not None
    at = _DATA_AT.get(node.op)
    data = node.inputs[at] if at is not None and at < len(node.inputs) else None
    if at is None:
        data = next((tensor for tensor in node.inputs if tensor != weight), None)
    op, name = node.op, node.name
    scope, _, last = name.rpartition("/")
    if op == "MatMul" and last == "MatMul" and scope.rpartition("/")[2].startswith("Tensordot"):
        op, name = "Tensordot", scope
        data = _outside(graph, data, scope + "/")
    return {**described(graph, node, data, op, name), "transposed": _is_transposed(graph, key, node, weight)}


def _is_transposed(graph: Graph, key: Hashable, node: Node, weight: Tensor) -> bool:
    """Whether a node takes a variable's value with its axes in another order, or in a way that is not seen."""
    turned = node.op in _BACKWARD
    if node.op == "MatMul":
        # As the first operand its columns meet the data, unless it is transposed there.
        first = node.inputs[0] == weight
        turned = not node.attributes.get("transpose_a") if first else bool(node.attributes.get("transpose_b"))
    for _ in range(_WEIGHT_DEPTH + 1):
        passing = graph.node(weight[0])
        if weight[0] == key or passing is None or not passing.inputs:
            break
        if passing.op == "Transpose":
            perm = passing.attributes.get("perm")
            turned = turned != (perm is None or list(perm) != sorted(perm))
        weight = passing.inputs[0]
    return turned


def _outside(graph: Graph, tensor: Tensor | None, scope: str) -> Tensor | None:
    """What a tensor is made from, outside of the scope of a Tensordot."""
    for _ in range(_WEIGHT_DEPTH):
        node = graph.node(tensor[0]) if tensor is not None else None
        if node is None or not node.name.startswith(scope):
            return tensor
        tensor = node.inputs[0] if node.op in ("Reshape", "Transpose") and node.inputs else None
    return None


def described(graph: Graph, node: Node, data: Tensor | None, op: str, name: str) -> dict[str, Any]:
    """A node that uses a weight and takes `data`, in the fields of `ckptdoctor.specs.graph.Consumer`."""
    shape = graph.shape(data) if data is not None else None
    producer = _producer(graph, data)
    flat = data if op != "Tensordot" and not node.attributes.get("transpose_a") else None
    flattened, axes, moved_by = _flattened(graph, flat) if flat is not None else (None, "", "")
    return {
        "op": op,
        "name": name,
        "input_shape": None if shape is None else list(shape),
        "padding": node.attributes.get("padding", ""),
        "strides": list(node.attributes.get("strides", ())),
        "data_format": node.attributes.get("data_format", ""),
        "producer": producer.op if producer is not None else "",
        "flattened": None if flattened is None else list(flattened),
        "flattened_axes": axes,
        "moved_by": moved_by,
        "transposed": False,
    }


def _producer(graph: Graph, tensor: Tensor | None) -> Node | None:
    """The node that made a tensor, through what hands it on."""
    for _ in range(_DEPTH):
        node = graph.node(tensor[0]) if tensor is not None else None
        if node is None or node.op not in PASSING or not node.inputs:
            return node
        tensor = node.inputs[0]
    return None


def _flattened(graph: Graph, data: Tensor) -> tuple[Shape, str, str]:
    """The shape of the map that a matrix's input was flattened from, the order of its axes, and what moved them."""
    axes = graph.axes(data)
    if axes is not None and len(axes.dims) == _RANK_OF_MATRIX:
        batch, rest = axes.dims
        letters = "".join(letter for letter, _ in rest)
        if len(rest) == 1 or [letter for letter, _ in batch] != ["N"]:
            return None, "", ""
        return (batch[0][1], *(size for _, size in rest)), letters, axes.moved_by
    return _unordered(graph, data), "", ""


def _unordered(graph: Graph, data: Tensor) -> Shape:
    """The shape of what a flatten takes, where the order of its axes is not known."""
    tensor = data
    for _ in range(_DEPTH):
        node, shape = graph.node(tensor[0]), graph.shape(tensor)
        if node is None or not node.inputs:
            return None
        if node.op in RESHAPES:
            before = graph.shape(node.inputs[0])
            if before is None or len(before) <= _RANK_OF_MATRIX or shape is None or len(shape) != _RANK_OF_MATRIX:
                return None
            elements = 1
            for size in before[1:]:
                elements *= size
            return before if min(before[1:]) < 0 or shape[1] < 0 or elements == shape[1] else None
        if node.op not in PASSING and node.op not in ELEMENTWISE:
            return None
        tensor = node.inputs[0]
    return None
