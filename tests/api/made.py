"""A checkpoint that TensorFlow writes, with one value of each kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

PARTITIONED = "parts"
VALUES = {
    "matrix": np.arange(24, dtype=np.float32).reshape(6, 4) * 0.25 - 1,
    PARTITIONED: np.arange(24, dtype=np.float64).reshape(6, 4) * 0.5 + 3,
    "half": np.array([1.5, -2.5, 0.125], dtype=ml_dtypes.bfloat16),
    "scalar": np.int64(7),
    "flags": np.array([[True, False], [False, True]]),
    "words": np.array([b"one", b"\xff\x00", b""], dtype=object),
}


def _part_of(value: np.ndarray) -> Any:
    def initializer(shape: Any, dtype: Any, partition_info: Any) -> Any:
        start = partition_info.var_offset[0]
        return value[start : start + shape[0]]

    return initializer


def bundle(directory: Path) -> Path:
    """All of `VALUES`, one of them in three slices."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        for key, value in VALUES.items():
            if key == PARTITIONED:
                with v1.variable_scope("", use_resource=False):
                    v1.get_variable(
                        key,
                        value.shape,
                        tf.float64,
                        initializer=_part_of(value),
                        partitioner=v1.fixed_size_partitioner(3),
                    )
            elif key == "words":
                v1.get_variable(key, initializer=tf.constant(value.tolist()), use_resource=False)
            else:
                v1.get_variable(key, initializer=tf.constant(value), use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(directory / "model.ckpt"), write_meta_graph=False)
    return directory / "model.ckpt"
