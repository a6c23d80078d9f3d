"""`tf.train.Checkpoint.restore`, which goes from object to object.

Source: TensorFlow, tensorflow/python/training/saving/saveable_object_util.py, `_ResourceVariableSaveable.restore`.
"""

from __future__ import annotations

from ckptdoctor.loaders.restore import Restore
from ckptdoctor.specs.graph import GraphKind


def loads(restore: Restore) -> bool:
    """A graph that is known by its objects, or two sides whose objects correspond."""
    return restore.graph.kind is GraphKind.OBJECTS or bool(restore.by_objects)


def sentence(restore: Restore) -> str:
    """The error that it raises, or how many variables keep their values without a word."""
    call = restore.by_objects or "tf.train.Checkpoint"
    if restore.wrong_shape:
        variable, entry = restore.wrong_shape[0]
        return (
            f"{call}.restore fails: ValueError: Received incompatible tensor with shape {entry.spec.shape} when "
            f"attempting to restore variable with shape {variable.spec.shape}."
        )
    if restore.absent:
        return (
            f"{call}.restore says nothing, and {len(restore.absent)} variables keep their values; "
            "assert_consumed() would tell."
        )
    return f"{call}.restore succeeds: every variable of these objects is in the checkpoint with its shape."
