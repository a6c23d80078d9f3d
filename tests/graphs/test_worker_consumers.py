"""Who uses a weight and through which flatten, on graphs written down node by node."""

from __future__ import annotations

from typing import Any

import pytest

from ckptdoctor.graph_worker.consumers import Graph, Node, Shape, consumer_of_variable

MAP = (-1, 3, 5, 4)


def node(name: str, op: str, inputs: tuple[str, ...], shape: Shape, **attributes: Any) -> Node:
    return Node(name, op, tuple((source, 0) for source in inputs), attributes, (shape,))


def graph(*nodes: Node) -> Graph:
    """A network whose first convolution makes a map; what is between that and the matrix is given."""
    listed = (
        node("images", "Placeholder", (), (-1, 3, 5, 2)),
        node("filter", "VariableV2", (), (3, 3, 2, 4)),
        node("conv", "Conv2D", ("images", "filter"), MAP, data_format="NHWC", padding="SAME", strides=[1, 1, 1, 1]),
        node("kernel", "VariableV2", (), (60, 7)),
        node("read", "Identity", ("kernel",), (60, 7)),
        *nodes,
    )
    by_name = {item.name: item for item in listed}
    users: dict[Any, list[str]] = {}
    for item in listed:
        for source, _ in item.inputs:
            users.setdefault(source, []).append(item.name)
    return Graph(by_name.get, lambda name: users.get(name, ()))


def matmul(source: str, **attributes: Any) -> Node:
    return node("matmul", "MatMul", (source, "read"), (-1, 7), **attributes)


def flattened(*nodes: Node) -> tuple[Any, str, str]:
    use = consumer_of_variable(graph(*nodes), "kernel")
    assert use is not None
    assert use["op"] == "MatMul"
    return use["flattened"], use["flattened_axes"], use["moved_by"]


def flat(source: str, shape: Shape = (-1, 60)) -> Node:
    return node("flat", "Reshape", (source,), shape)


HWC = ([-1, 3, 5, 4], "HWC", "")
CASES: dict[str, tuple[tuple[Node, ...], tuple[Any, str, str]]] = {
    "straight": ((flat("conv"), matmul("flat")), HWC),
    "through what computes each element": (
        (
            node("bias", "BiasAdd", ("conv", "beta"), MAP),
            node("relu", "Relu", ("bias",), MAP),
            node("sum", "AddV2", ("relu", "conv"), MAP),
            flat("sum"),
            node("drop", "Dropout", ("flat",), (-1, 60)),
            matmul("drop"),
        ),
        HWC,
    ),
    "through a pool": (
        (
            node("pool", "MaxPool", ("conv",), (-1, 2, 3, 10), data_format="NHWC"),
            flat("pool"),
            matmul("flat"),
        ),
        ([-1, 2, 3, 10], "HWC", ""),
    ),
    "channels first": (
        (node("turn", "Transpose", ("conv",), (-1, 4, 3, 5), perm=[0, 3, 1, 2]), flat("turn"), matmul("flat")),
        ([-1, 4, 3, 5], "CHW", "Transpose"),
    ),
    "there and back": (
        (
            node("turn", "Transpose", ("conv",), (-1, 4, 3, 5), perm=[0, 3, 1, 2]),
            node("back", "Transpose", ("turn",), MAP, perm=[0, 2, 3, 1]),
            flat("back"),
            matmul("flat"),
        ),
        ([-1, 3, 5, 4], "HWC", "Transpose"),
    ),
    "in two steps with a transpose between": (
        (
            node("half", "Reshape", ("conv",), (-1, 15, 4)),
            node("turn", "Transpose", ("half",), (-1, 4, 15), perm=[0, 2, 1]),
            flat("turn"),
            matmul("flat"),
        ),
        ([-1, 4, 3, 5], "CHW", "Transpose"),
    ),
    "a transpose by what is not constant": (
        (node("turn", "Transpose", ("conv",), (-1, 4, 3, 5), perm=None), flat("turn"), matmul("flat")),
        ([-1, 4, 3, 5], "", ""),
    ),
    "through something unknown": (
        (node("odd", "ReverseV2", ("conv",), MAP), flat("odd"), matmul("flat")),
        ([-1, 3, 5, 4], "", ""),
    ),
    "a sum of a map and a turned one": (
        (
            node("turn", "Transpose", ("conv",), MAP, perm=[0, 2, 1, 3]),
            node("sum", "AddV2", ("turn", "conv"), MAP),
            flat("sum"),
            matmul("flat"),
        ),
        ([-1, 3, 5, 4], "", ""),
    ),
    "a reshape that takes positions for the batch": (
        (node("rows", "Reshape", ("conv",), (-1, 4)), matmul("rows")),
        (None, "", ""),
    ),
    "a reshape that splits channels": (
        (
            node("split", "Reshape", ("conv",), (-1, 3, 5, 2, 2)),
            node("turn", "Transpose", ("split",), (-1, 2, 3, 5, 2), perm=[0, 3, 1, 2, 4]),
            flat("turn"),
            matmul("flat"),
        ),
        ([-1, 2, 3, 5, 2], "", ""),
    ),
    "shapes that are not known": ((flat("nothing", None), matmul("flat")), (None, "", "")),
    "a squeeze": (
        (
            node("mean", "Mean", ("conv", "axes"), (-1, 1, 1, 4)),
            node("squeeze", "Squeeze", ("mean",), (-1, 4)),
            matmul("squeeze"),
        ),
        ([-1, 1, 1, 4], "HWC", ""),
    ),
    "the data itself transposed": (
        (flat("conv"), matmul("flat", transpose_a=True)),
        (None, "", ""),
    ),
    "a loop": (
        (node("a", "Identity", ("b",), (-1, 60)), node("b", "Identity", ("a",), (-1, 60)), matmul("b")),
        (None, "", ""),
    ),
    "Keras's flatten of channels first": (
        (
            node("first", "Conv2D", ("images", "filter"), (-1, 4, 3, 5), data_format="NCHW"),
            node("flat", "Flatten", ("first",), (-1, 60), data_format="NCHW"),
            matmul("flat"),
        ),
        ([-1, 3, 5, 4], "HWC", "Flatten"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_flatten_is_what_it_is_seen_to_be(name: str) -> None:
    nodes, expected = CASES[name]
    assert flattened(*nodes) == expected


def test_training_is_no_use_of_a_weight() -> None:
    use = consumer_of_variable(
        graph(
            node("init", "Assign", ("kernel", "zeros"), None),
            node("loss", "L2Loss", ("read",), ()),
            node("save", "SaveV2", ("prefix", "names", "slices", "read"), None),
            node("step", "ApplyAdam", ("kernel", "m", "v"), None),
            flat("conv"),
            matmul("flat"),
        ),
        "kernel",
    )
    assert use is not None
    assert (use["op"], use["producer"], use["input_shape"]) == ("MatMul", "Reshape", [-1, 60])
    assert consumer_of_variable(graph(), "kernel") is None


def test_a_tensordot_takes_what_is_outside_of_it() -> None:
    use = consumer_of_variable(
        graph(
            node("d/Tensordot/Reshape", "Reshape", ("conv",), (-1, 4)),
            node("d/Tensordot/MatMul", "MatMul", ("d/Tensordot/Reshape", "read"), (-1, 7)),
        ),
        "kernel",
    )
    assert use is not None
    assert (use["op"], use["name"], use["input_shape"]) == ("Tensordot", "d/Tensordot", [-1, 3, 5, 4])
    assert use["producer"] == "Conv2D"
    assert use["flattened"] is None


@pytest.mark.parametrize(
    ("nodes", "transposed"),
    [
        ((node("m", "MatMul", ("flat", "read"), None),), False),
        ((node("m", "MatMul", ("flat", "read"), None, transpose_b=True),), True),
        ((node("m", "MatMul", ("read", "flat"), None),), True),
        ((node("m", "MatMul", ("read", "flat"), None, transpose_a=True, transpose_b=True),), False),
        ((node("m", "MatMul", ("read", "flat"), None),), True),
        ((node("t", "Transpose", ("read",), (7, 60), perm=[1, 0]), node("m", "MatMul", ("flat", "t"), None)), True),
        ((node("t", "Transpose", ("read",), (60, 7), perm=[0, 1]), node("m", "MatMul", ("flat", "t"), None)), False),
        ((node("t", "Transpose", ("read",), None), node("m", "MatMul", ("flat", "t"), None)), True),
        (
            (
                node("t", "Transpose", ("read",), (7, 60), perm=[1, 0]),
                node("m", "MatMul", ("flat", "t"), None, transpose_b=True),
            ),
            False,
        ),
    ],
)  # fmt: skip
def test_a_weight_that_is_used_transposed_is_told(nodes: tuple[Node, ...], transposed: bool) -> None:
    use = consumer_of_variable(graph(flat("conv"), *nodes), "kernel")
    assert use is not None
    assert use["transposed"] is transposed
