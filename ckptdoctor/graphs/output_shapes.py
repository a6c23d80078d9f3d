"""The shapes of a graph definition's tensors, where it does not carry them: inferred only where they are certain.

Sources: TensorFlow, tensorflow/core/framework/common_shape_fns.cc (`Conv2DShape`, `MaxPoolShape`, `GetWindowedOutputSize`),
tensorflow/core/ops/array_ops.cc (`Reshape`, `Squeeze`, `Transpose`), math_ops.cc (`MatMul`, `Mean`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ckptdoctor.specs.tensor import Shape

_SAME_AS_FIRST = (
    "Identity", "StopGradient", "CheckNumerics", "Cast", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh",
    "Softplus", "Softsign", "Abs", "Neg", "Exp", "Log", "Square", "Sqrt", "Rsqrt", "BiasAdd", "Softmax", "LRN",
    "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "ReadVariableOp", "PreventGradient", "Switch",
)  # fmt: skip
_BROADCAST = ("Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference")
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
_POOLS = ("MaxPool", "AvgPool")
_RANK_OF_MAP, _RANK_OF_MATRIX = 4, 2


@dataclass(frozen=True, slots=True)
class Operation:
    """What inference needs of an operation.

    Attributes:
        op: its type.
        inputs: the shapes of its inputs, None where unknown.
        constants: the values of those inputs that are small integer constants, -1 for an element that is not known.
        attributes: of its attributes: `padding`, `strides`, `ksize`, `dilations`, `data_format`, `squeeze_dims`,
            `keep_dims`, `transpose_a`, `transpose_b`.
    """

    op: str
    inputs: Sequence[Shape | None]
    constants: Sequence[Sequence[int] | None]
    attributes: Mapping[str, Any]


def infer_shape(operation: Operation) -> Shape | None:
    """The shape of an operation's first output; None where it is not certain."""
    if not operation.inputs:
        return None
    first = operation.inputs[0]
    if operation.op in _SAME_AS_FIRST:
        return first
    if operation.op in _BROADCAST:
        return _broadcast(operation.inputs)
    inference = _INFERENCES.get(operation.op)
    return inference(operation, first) if inference is not None and first is not None else None


def _broadcast(shapes: Sequence[Shape | None]) -> Shape | None:
    known = [shape for shape in shapes if shape is not None]
    if len(known) != len(shapes) or not known:
        return None
    rank = max(map(len, known))
    aligned = [(1,) * (rank - len(shape)) + shape for shape in known]
    return tuple(_broadcast_sizes(sizes) for sizes in zip(*aligned, strict=True))


def _broadcast_sizes(sizes: Sequence[int]) -> int:
    larger = [size for size in sizes if size > 1]
    return larger[0] if larger else -1 if -1 in sizes else 1


def _window(operation: Operation, first: Shape, kernel: tuple[int, int], channels: int) -> Shape | None:
    """The map that a window moved over a map makes."""
    data_format = operation.attributes.get("data_format") or "NHWC"
    strides: Sequence[int] = operation.attributes.get("strides") or ()
    padding = operation.attributes.get("padding")
    dilations = operation.attributes.get("dilations") or (1, 1, 1, 1)
    if len(first) != _RANK_OF_MAP or len(strides) != _RANK_OF_MAP or len(dilations) != _RANK_OF_MAP:
        return None
    if data_format not in ("NHWC", "NCHW") or padding not in ("SAME", "VALID") or min(strides) < 1:
        return None
    places = (1, 2) if data_format == "NHWC" else (2, 3)
    sizes = []
    for place, window in zip(places, kernel, strict=True):
        reach = (window - 1) * dilations[place] + 1
        known = first[place] >= 0 and window > 0
        covered = first[place] if padding == "SAME" else first[place] - reach + 1
        sizes.append(-(-covered // strides[place]) if known else -1)
    if data_format == "NHWC":
        return (first[0], *sizes, channels)
    return (first[0], channels, *sizes)


def _convolution(operation: Operation, first: Shape) -> Shape | None:
    kernel = operation.inputs[1] if len(operation.inputs) > 1 else None
    if kernel is None or len(kernel) != _RANK_OF_MAP:
        return None
    height, width, channels, out = kernel
    if operation.op == "DepthwiseConv2dNative":
        out = channels * out if min(channels, out) >= 0 else -1
    return _window(operation, first, (height, width), out)


def _pool(operation: Operation, first: Shape) -> Shape | None:
    ksize: Sequence[int] = operation.attributes.get("ksize") or ()
    if len(ksize) != _RANK_OF_MAP or len(first) != _RANK_OF_MAP:
        return None
    last = operation.attributes.get("data_format") != "NCHW"
    kernel = (ksize[1], ksize[2]) if last else (ksize[2], ksize[3])
    channels = first[-1] if last else first[1]
    return _window(operation, first, kernel, channels)


def _transpose(operation: Operation, first: Shape) -> Shape | None:
    perm = operation.constants[1] if len(operation.constants) > 1 else None
    if perm is None or sorted(perm) != list(range(len(first))):
        return None
    return tuple(first[axis] for axis in perm)


def _reshape(operation: Operation, first: Shape) -> Shape | None:
    sizes = operation.constants[1] if len(operation.constants) > 1 else None
    if sizes is None:
        return None
    if list(sizes).count(-1) == 1 and min(first, default=0) >= 0:
        rest = prod(size for size in sizes if size >= 0)
        if rest and prod(first) % rest == 0:
            return tuple(prod(first) // rest if size < 0 else size for size in sizes)
    return tuple(sizes)


def _squeeze(operation: Operation, first: Shape) -> Shape | None:
    axes = operation.attributes.get("squeeze_dims") or ()
    if not axes and -1 in first:
        return None
    dropped = {axis % len(first) for axis in axes} if axes and first else {n for n, s in enumerate(first) if s == 1}
    return tuple(size for number, size in enumerate(first) if number not in dropped)


def _matmul(operation: Operation, first: Shape) -> Shape | None:
    second = operation.inputs[1] if len(operation.inputs) > 1 else None
    if second is None or len(first) != _RANK_OF_MATRIX or len(second) != _RANK_OF_MATRIX:
        return None
    rows = first[1] if operation.attributes.get("transpose_a") else first[0]
    return (rows, second[0] if operation.attributes.get("transpose_b") else second[1])


def _reduction(operation: Operation, first: Shape) -> Shape | None:
    axes = operation.constants[1] if len(operation.constants) > 1 else None
    if axes is None or not first or any(not -len(first) <= axis < len(first) for axis in axes):
        return None
    reduced = {axis % len(first) for axis in axes}
    if operation.attributes.get("keep_dims"):
        return tuple(1 if number in reduced else size for number, size in enumerate(first))
    return tuple(size for number, size in enumerate(first) if number not in reduced)


def _concatenation(operation: Operation, first: Shape) -> Shape | None:
    axis = operation.constants[-1]
    parts = operation.inputs[:-1]
    shapes = [shape for shape in parts if shape is not None and len(shape) == len(first)]
    if axis is None or len(axis) != 1 or len(shapes) != len(parts) or not -len(first) <= axis[0] < len(first):
        return None
    along = axis[0] % len(first)
    sizes = [shape[along] for shape in shapes]
    return (*first[:along], sum(sizes) if min(sizes) >= 0 else -1, *first[along + 1 :])


_INFERENCES: dict[str, Callable[[Operation, Shape], Shape | None]] = {
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    **dict.fromkeys(_POOLS, _pool),
    **dict.fromkeys(("Mean", "Max", "Sum"), _reduction),
    "Transpose": _transpose,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "MatMul": _matmul,
    "ConcatV2": _concatenation,
}
