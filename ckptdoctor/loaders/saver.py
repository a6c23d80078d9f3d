"""`tf.compat.v1.train.Saver.restore`, which goes by name.

Source: TensorFlow, tensorflow/core/util/tensor_bundle/tensor_bundle.cc, `BundleReader::GetBundleEntryProto` (a key that
is not there), tensorflow/core/kernels/save_restore_tensor.cc, `RestoreTensorsV2` (another dtype), and
tensorflow/core/kernels/assign_op.h, `AssignOp` (the shape of a reference variable; nothing compares a resource
variable's).
"""

from __future__ import annotations

from ckptdoctor.loaders.restore import Restore
from ckptdoctor.specs.tensor import show_shape


def loads(restore: Restore) -> bool:
    """Any TensorFlow checkpoint that is not restored by objects."""
    return restore.inventory.has_saver


def sentence(restore: Restore) -> str:
    """The error that it raises first, or what it silently leaves behind."""
    if restore.absent:
        return f"It would fail: NotFoundError: Key {min(restore.absent)} not found in checkpoint."
    if restore.wrong_dtype:
        variable, entry = restore.wrong_dtype[0]
        return f"It would fail: {entry.key} is stored as {entry.spec.dtype} and restored as {variable.spec.dtype}."
    checked = [(variable, entry) for variable, entry in restore.wrong_shape if not variable.resource]
    if checked:
        variable, entry = checked[0]
        return (
            "It would fail: InvalidArgumentError: Assign requires shapes of both tensors to match. "
            f"lhs shape= {show_shape(variable.spec.shape)} rhs shape= {show_shape(entry.spec.shape)}. "
            "Built with resource variables (the default in TensorFlow 2), the same restore raises nothing and leaves "
            "values of the wrong shape behind."
        )
    if restore.wrong_shape:
        return (
            f"TensorFlow would say nothing: these are resource variables, so {len(restore.wrong_shape)} would silently "
            "hold a value of another shape than declared, and fail later or compute something else."
        )
    return "It would succeed: every variable of the graph is in the checkpoint with its shape and dtype."
