"""The shape that a Keras layer gives, from its configuration: only where it is certain.

Source: Keras, keras/src/layers: `filters`, `kernel_size`, `pool_size`, `strides`, `dilation_rate`, `padding`, `dims`.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

from ckptdoctor.graph_worker.consumers import ELEMENTWISE, PASSING
from ckptdoctor.graph_worker.keras_layers import layer_node
from ckptdoctor.graphs.output_shapes import Operation, infer_shape
from ckptdoctor.specs.tensor import Shape

_POOLS = {"MaxPooling2D": "MaxPool", "AveragePooling2D": "AvgPool"}


def output_shape(kind: str, settings: Mapping[str, Any], given: Shape | None) -> Shape | None:
    """The shape that a layer gives.

    Args:
        kind: its class.
        settings: name → setting.
        given: the shape that it takes; of an input layer, the one that it declares.
    """
    if kind == "InputLayer":
        return _sizes(settings.get("batch_shape", settings.get("batch_input_shape")))
    if given is None:
        return None
    if kind in ("Conv2D", "Convolution2D", *_POOLS):
        return _window(kind, settings, given)
    if kind == "Flatten":
        return (given[0], prod(given[1:]) if min(given[1:], default=0) >= 0 else -1)
    if kind == "Permute":
        perm = layer_node("", kind, settings, (), None).attributes.get("perm", ())
        return tuple(given[axis] for axis in perm) if sorted(perm) == list(range(len(given))) else None
    return given if kind in PASSING or kind in ELEMENTWISE else None


def _window(kind: str, settings: Mapping[str, Any], given: Shape) -> Shape | None:
    attributes = layer_node("", kind, settings, (), None).attributes
    sizes = _pair(settings.get("pool_size" if kind in _POOLS else "kernel_size"))
    if sizes is None:
        return None
    strides = _pair(settings.get("strides")) or (sizes if kind in _POOLS else (1, 1))
    last = attributes["data_format"] == "NHWC"
    filters = settings.get("filters")
    channels = filters if isinstance(filters, int) and not isinstance(filters, bool) else -1
    operation = Operation(
        _POOLS.get(kind, "Conv2D"),
        (given, (*sizes, -1, channels)),
        (),
        {
            **attributes,
            "ksize": _around(sizes, last=last),
            "strides": _around(strides, last=last),
            "dilations": _around(_pair(settings.get("dilation_rate")) or (1, 1), last=last),
        },
    )
    return infer_shape(operation) if attributes["data_format"] else None


def _around(sizes: tuple[int, int], *, last: bool) -> tuple[int, ...]:
    return (1, *sizes, 1) if last else (1, 1, *sizes)


def _pair(value: Any) -> tuple[int, int] | None:
    pair = [value, value] if isinstance(value, int) else value
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(size, int) for size in pair):
        return None
    return pair[0], pair[1]


def _sizes(value: Any) -> Shape | None:
    if not isinstance(value, list | tuple) or not all(size is None or isinstance(size, int) for size in value):
        return None
    return tuple(-1 if size is None else size for size in value)
