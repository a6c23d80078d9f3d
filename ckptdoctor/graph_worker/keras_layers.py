"""Keras's layers as nodes: those of a live model, and those of a configuration.

Keras is not imported: what is handed in comes from it.
"""

from __future__ import annotations

from typing import Any, Hashable

from .consumers import Graph, Node, Shape, Tensor, described

OPERATIONS = {
    "Dense": "MatMul",
    "Conv1D": "Conv1D",
    "Conv2D": "Conv2D",
    "Conv3D": "Conv3D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "DepthwiseConv2D": "DepthwiseConv2dNative",
    "Embedding": "GatherV2",
}
"""Class of a layer → the operation that its kernel is used in."""
_FORMATS = {"channels_last": "NHWC", "channels_first": "NCHW", "tf": "NHWC", "th": "NCHW"}
_RANK_OF_MATRIX = 2
_KERNELS = ("_kernel", "kernel", "depthwise_kernel", "_embeddings", "embeddings")


def layer_node(name: str, kind: str, settings: Any, inputs: tuple[Tensor, ...], shape: Shape) -> Node:
    """A layer as a node.

    Args:
        name: of the layer.
        kind: its class.
        settings: name → setting, as a configuration has them; Keras 1's words too.
        inputs: the layers that it takes its inputs from.
        shape: of its output.
    """
    strides = settings.get("strides", settings.get("subsample")) or ()
    strides = [strides] if isinstance(strides, int) else strides
    attributes: dict[str, Any] = {
        "padding": str(settings.get("padding", settings.get("border_mode", ""))).upper(),
        "strides": [size for size in strides if isinstance(size, int)] if isinstance(strides, (list, tuple)) else [],
        "data_format": _FORMATS.get(str(settings.get("data_format", settings.get("dim_ordering", ""))), ""),
    }
    dims, axes = settings.get("dims"), settings.get("axes")
    if kind == "Permute" and _is_sizes(dims):
        attributes["perm"] = [0, *dims]
    if kind == "Transpose" and _is_sizes(axes):
        attributes["perm"] = list(axes)
    return Node(name, kind, inputs, attributes, (shape,))


def _is_sizes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(size, int) for size in value)


def consumer_of_layer(graph: Graph, key: Hashable, input_shape: Shape, kernel: bool) -> dict[str, Any] | None:
    """How a layer uses a weight, in the fields of `ckptdoctor.specs.graph.Consumer`.

    Args:
        graph: the model's layers.
        key: the layer's in it.
        input_shape: what it takes; None if that is not known.
        kernel: whether the weight is its kernel (and not a bias, or a statistic).
    """
    node = graph.node(key)
    if node is None:
        return None
    op = OPERATIONS.get(node.op, node.op)
    data = node.inputs[0] if len(node.inputs) == 1 else None
    shape = input_shape if input_shape is not None or data is None else graph.shape(data)
    if op == "MatMul" and shape is not None and len(shape) > _RANK_OF_MATRIX:
        op = "Tensordot"
    if not kernel and node.op in OPERATIONS:
        op = "BiasAdd"
    use = described(graph, node, data, op, node.name)
    use["input_shape"] = None if shape is None else list(shape)
    if not op.startswith(("Conv", "Depthwise")):
        use["strides"] = []
    return use


# --- Live layers -----------------------------------------------------------------------------------------------------


def graph_of_layers() -> Graph:
    """The layers of live Keras 3 models: each a node under itself, found from the layers behind it."""
    return Graph(_live_node)


def _live_node(layer: Any) -> Node:
    kind = type(layer).__name__
    outputs = getattr(layer, "outputs", None)
    if isinstance(outputs, (list, tuple)) and len(outputs) == 1 and hasattr(layer, "layers"):
        # A model within a model hands on what its last layer gives.
        source = _source(outputs[0])
        if source is not None:
            return Node(layer.name, "Functional", ((source, 0),), {}, (_sizes(outputs[0].shape),))
    settings = {
        key: getattr(layer, key) for key in ("padding", "strides", "data_format", "dims", "axes") if hasattr(layer, key)
    }
    return layer_node(layer.name, kind, settings, _live_inputs(layer), _live_shape(layer))


def _live_inputs(layer: Any) -> tuple[Tensor, ...]:
    """What a layer takes; nothing where it is called on different things, because the order in one says nothing of the other."""
    calls: list[tuple[Tensor, ...]] = []
    for call in getattr(layer, "_inbound_nodes", ()):
        sources = [_source(tensor) for tensor in getattr(call, "input_tensors", ())]
        if any(source is None for source in sources):
            return ()
        if any(type(source).__name__ == "InputLayer" for source in sources) and calls:
            continue  # the model by itself; it is called on something within another one
        calls.append(tuple((source, 0) for source in sources))
    if len(calls) > 1 and any(type(source).__name__ == "InputLayer" for source, _ in calls[0]):
        del calls[0]
    return calls[0] if calls and all(call == calls[0] for call in calls) else ()


def _source(tensor: Any) -> Any:
    """The layer or operation that made a symbolic tensor."""
    return getattr(getattr(tensor, "_keras_history", None), "operation", None)


def _sizes(shape: Any) -> Shape:
    if not isinstance(shape, (list, tuple)) or not all(size is None or isinstance(size, int) for size in shape):
        return None
    return tuple(-1 if size is None else size for size in shape)


def _live_shape(layer: Any) -> Shape:
    shapes = {
        _sizes(tensor.shape)
        for call in getattr(layer, "_inbound_nodes", ())
        for tensor in getattr(call, "output_tensors", ())[:1]
    }
    return shapes.pop() if len(shapes) == 1 else None


def consumer_of_weight(graph: Graph, layer: Any, weight: Any) -> dict[str, Any] | None:
    """How a live Keras 3 layer uses one of its weights, in the fields of `ckptdoctor.specs.graph.Consumer`."""
    kernel = any(weight is getattr(layer, name, None) for name in _KERNELS)
    return consumer_of_layer(graph, layer, _built_for(layer), kernel)


def _built_for(layer: Any) -> Shape:
    """The shape that a layer was built for; None where it takes several inputs."""
    shapes = getattr(layer, "_build_shapes_dict", None) or {}
    return _sizes(next(iter(shapes.values()), None))
