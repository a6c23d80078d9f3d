"""Shapes inferred without TensorFlow: each size is TensorFlow's own, or is not known."""

from __future__ import annotations

from typing import Any

import pytest

from ckptdoctor.containers.protobuf import parse
from ckptdoctor.containers.tensorflow_messages import GraphDef
from ckptdoctor.graphs.definition_nodes import graph_of_definition_nodes

MUST_BE_KNOWN = ("Conv2D", "MaxPool", "AvgPool", "Relu", "BiasAdd", "Transpose", "Reshape", "Squeeze", "MatMul", "Mean")


def network(tf: Any, size: int | None, batch: int | None, padding: str, stride: int) -> None:
    v1 = tf.compat.v1
    x = v1.placeholder(tf.float32, [batch, size, size, 3], name="x")
    y = tf.nn.conv2d(x, v1.get_variable("a", [3, 5, 3, 8]), stride, padding, dilations=1)
    y = tf.nn.relu(tf.nn.bias_add(y, v1.get_variable("b", [8])))
    y = tf.nn.max_pool2d(y, 3, stride, padding)
    y = tf.nn.depthwise_conv2d(y, v1.get_variable("d", [3, 3, 8, 2]), [1, 1, 1, 1], padding)
    y = y * v1.get_variable("s", [16]) + 1.0
    z = tf.nn.avg_pool2d(y, 2, 1, "SAME")
    y = tf.concat([y, z], axis=3)
    nchw = tf.transpose(y, [0, 3, 1, 2])
    tf.nn.max_pool2d(nchw, 2, 2, "VALID", data_format="NCHW")
    pooled = tf.reduce_mean(y, [1, 2], keepdims=True)
    flat = tf.squeeze(pooled, [1, 2])
    tf.matmul(flat, v1.get_variable("m", [32, 5]))
    tf.reshape(nchw, [-1, 32])
    tf.reshape(y, [tf.shape(y)[0], -1])
    tf.reduce_mean(y, [1, 2])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(("size", "batch", "stride"), [(24, None, 1), (25, None, 2), (65, 4, 3), (None, None, 2)])
def test_an_inferred_shape_is_tensorflows(size: int | None, batch: int | None, stride: int, padding: str) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        network(tf, size, batch, padding, stride)
    definition = parse(GraphDef, graph.as_graph_def().SerializeToString())
    nodes = graph_of_definition_nodes({node.name.decode(): node for node in definition.node})
    compared = set()
    for operation in graph.get_operations():
        if not operation.outputs or operation.outputs[0].dtype == tf.resource:
            continue  # the shape of a handle's variable stands for it
        inferred, shape = nodes.shape((operation.name, 0)), operation.outputs[0].shape
        if inferred is not None:
            sizes = [-1 if size is None else size for size in shape.as_list()]
            assert len(inferred) == len(sizes), operation.name
            assert all(mine in (-1, theirs) for mine, theirs in zip(inferred, sizes, strict=True)), operation.name
            compared.add(operation.type)
    assert compared >= set(MUST_BE_KNOWN)
