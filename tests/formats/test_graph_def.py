"""Frozen graphs and SavedModels: TensorFlow is the judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.locate import open_checkpoint

VALUES = {
    "kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "one": np.array([7], np.int32),
    "same": np.full((3, 5), 2.5, np.float32),
    "zeros": np.zeros((4, 4)),
    "half": np.arange(6, dtype=np.float16),
    "long": np.array([1, -2, 3], np.int64),
    "flags": np.array([True, False, True]),
    "bytes": np.arange(5, dtype=np.uint8),
    "text": np.array([b"a", b"bc"], dtype=object),
    "empty": np.zeros((0, 2), np.float32),
    "scope/scalar": np.array(3.0, np.float32),
}


def test_constants_are_read_as_tensorflow_reads_them(tmp_path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph:
        for name, value in VALUES.items():
            v1.constant(value, name=name)
        tf.cast(tf.constant([1.5], name="raw"), tf.bfloat16)
        definition = graph.as_graph_def()
        # A constant whose typed field is short: its last value stands for the rest.
        node = definition.node.add(name="repeated", op="Const")
        tensor = node.attr["value"].tensor
        tensor.dtype = 1
        tensor.tensor_shape.dim.add(size=4)
        tensor.float_val.extend([1.0, 2.0])
    (tmp_path / "frozen").write_bytes(definition.SerializeToString())
    checkpoint = open_checkpoint(str(tmp_path / "frozen"))
    assert checkpoint.inventory.format == "frozen graph"
    constants = {node.name: node.attr["value"].tensor for node in definition.node if node.op == "Const"}
    assert set(checkpoint.inventory.entries) == set(constants)
    for name, proto in constants.items():
        if name == "repeated":
            assert checkpoint.read(name).tolist() == [1.0, 2.0, 2.0, 2.0]
            continue
        expected = tf.make_ndarray(proto)
        found = checkpoint.read(name)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype), name
        assert found.tolist() == expected.tolist(), name
    assert checkpoint.verify(lambda size: None) == []


def test_a_saved_model_is_its_variables(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable(np.ones((2, 3), np.float32), name="kernel")
    tf.saved_model.save(module, str(tmp_path / "model"))
    for name in (tmp_path / "model", tmp_path / "model" / "saved_model.pb"):
        checkpoint = open_checkpoint(str(name))
        key = "kernel/.ATTRIBUTES/VARIABLE_VALUE"
        assert np.array_equal(checkpoint.read(key), np.ones((2, 3)))
        assert checkpoint.inventory.entries[key].name == "kernel"


def test_damage_is_an_error(tmp_path: Path) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        tf.compat.v1.constant(VALUES["kernel"], name="kernel")
        definition = graph.as_graph_def()
    definition.node[0].attr["value"].tensor.tensor_content = b"short"
    (tmp_path / "frozen").write_bytes(definition.SerializeToString())
    with pytest.raises(FormatError, match="5 bytes stored"):
        open_checkpoint(str(tmp_path / "frozen"))
