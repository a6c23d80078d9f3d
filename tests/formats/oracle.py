"""Checkpoints written by TensorFlow itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def save(prefix: Path, values: dict[str, Any], *, version: int = 2, meta: bool = False, **saver_options: Any) -> str:
    """Saves arrays under their names with `tf.compat.v1.train.Saver`, as a V1 file or a V2 bundle."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = {name: v1.Variable(value, name=f"v{i}") for i, (name, value) in enumerate(values.items())}
        session.run(v1.global_variables_initializer())
        saver = v1.train.Saver(variables, write_version=version, **saver_options)
        return str(saver.save(session, str(prefix), write_meta_graph=meta, write_state=False))


def save_raw(prefix: Path, values: dict[str, Any]) -> None:
    """Saves tensors of any type with the SaveV2 operation."""
    import tensorflow as tf

    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=[tf.constant(value) for value in values.values()],
    )


def read(prefix: str | Path) -> dict[str, np.ndarray]:
    """Everything TensorFlow reads from a checkpoint."""
    import tensorflow as tf

    reader = tf.compat.v1.train.NewCheckpointReader(str(prefix))
    return {key: np.asarray(reader.get_tensor(key)) for key in reader.get_variable_to_shape_map()}
