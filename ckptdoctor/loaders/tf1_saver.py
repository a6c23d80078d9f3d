"""`tf.compat.v1.train.Saver.restore`: by name, all variables at once.

First every name is read, in their order; the first that is missing ends the restore, then any of another type. Then all are
assigned, in no order that is promised. A reference variable refuses another shape; nothing looks at that of a resource
variable, which holds the stored value from then on. Names that are missing make the Saver try those that an object graph
records.

Sources: TensorFlow 2.21, tensorflow/python/training/saver.py, `Saver.restore`, `object_graph_key_mapping`,
`saver_from_object_based_checkpoint`; tensorflow/python/training/saving/saveable_object_util.py, `op_list_to_dict`,
`ReferenceVariableSaveable.restore`, `ResourceVariableSaveable.restore`;
tensorflow/core/kernels/save_restore_tensor.cc, `RestoreTensorsV2` (sorted names; every wrong type in one error),
`RestoreTensor` (a V1 file: one after the other); tensorflow/core/kernels/assign_op.h, `AssignOp`. Each was tried.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Entry, Inventory
from ckptdoctor.specs.tensor import Shape, show_shape

_GLOBAL = "variables"
_OTHER_COLLECTIONS = ("local_variables", "metric_variables")
"""tensorflow/python/framework/ops.py, `GraphKeys`: what a Saver takes by itself, and where the other variables are."""

_C_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
"""How TensorFlow's C++ spells the types that it does not spell as Python does (types.cc, `DataTypeString`)."""

_FAILED = "Restoring from checkpoint failed. This is most likely due to"
_SURE = "Please ensure that you have not altered the graph expected based on the checkpoint. Original error:"
_MISSING = f"NotFoundError: {_FAILED} a Variable name or other graph key that is missing from the checkpoint. {_SURE}"
_DIFFERENT = (
    f"InvalidArgumentError: {_FAILED} a mismatch between the current graph and the graph from the checkpoint. {_SURE}"
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A variable, and the key that is read for it."""

    key: str
    variable: Variable


def restore(
    graph: GraphSpec, inventory: Inventory, names: Mapping[str, str] | None = None, reshape: bool = False
) -> Load | None:
    """What `Saver(…).restore(session, path)` does in a TensorFlow 1 graph; None where that cannot be told.

    Args:
        graph: whose variables are restored.
        inventory: a TensorFlow checkpoint.
        names: name in the checkpoint → variable's name, where the Saver is given a dictionary; else it takes them all.
        reshape: as the Saver's own: stored values are given the variable's shape.
    """
    chosen = _chosen(graph, names)
    if chosen is None or not chosen:
        return None
    if reshape and any(not _is_known(item.variable) for item in chosen):
        return None  # the shape is that of the value that the variable has then
    arguments = [*(["names"] if names is not None else []), *(["reshape=True"] if reshape else [])]
    call = f"tf.compat.v1.train.Saver({', '.join(arguments)}).restore(session, path)"
    is_v2 = any(file.suffix == ".index" for file in inventory.files)
    failure = _reading_failure(chosen, inventory, is_v2)
    warnings: tuple[str, ...] = ()
    if failure is not None and failure[0] == _MISSING and inventory.objects is not None:
        recorded = {item.full_name: item.key for node in inventory.objects.objects for item in node.attributes}
        absent = sorted({item.key for item in chosen} - recorded.keys())
        warnings = ("Restoring an object-based checkpoint using a name-based saver.",)
        if absent:
            error = f"NotFoundError: Existing variables not in the checkpoint: {', '.join(absent)}"
            return _nothing(call, graph, inventory, error, (), warnings)
        chosen = [_Wanted(recorded[item.key], item.variable) for item in chosen]
        failure = _reading_failure(chosen, inventory, is_v2)
    if failure is not None:
        return _nothing(call, graph, inventory, failure[0], failure[1], warnings)
    return _assigned(call, graph, inventory, chosen, reshape, warnings)


def _chosen(graph: GraphSpec, names: Mapping[str, str] | None) -> list[_Wanted] | None:
    """The variables that the Saver was made for, by the names that they are read under; None if one is not there."""
    if names is None:
        taken = [item for item in graph.variables if _GLOBAL in item.collections or not _is_local(item)]
        return sorted((_Wanted(item.key, item) for item in taken), key=lambda item: item.key)
    by_name = {variable.name: variable for variable in graph.variables}
    if any(name not in by_name for name in names.values()):
        return None
    return sorted((_Wanted(key, by_name[name]) for key, name in names.items()), key=lambda item: item.key)


def _is_local(variable: Variable) -> bool:
    return any(name in variable.collections for name in _OTHER_COLLECTIONS)


def _is_known(variable: Variable) -> bool:
    return variable.shape_known and all(size >= 0 for size in variable.spec.shape)


def _reading_failure(
    chosen: Sequence[_Wanted], inventory: Inventory, is_v2: bool
) -> tuple[str, tuple[str, ...]] | None:
    """What reading the values fails with: the error and what is behind it; None if all can be read."""
    wrong: list[str] = []
    for item in sorted(chosen, key=lambda item: item.key):
        entry = inventory.entries.get(item.key)
        if entry is None or item.key == OBJECT_GRAPH_KEY:
            missing = f"Key {item.key} not found in checkpoint"
            return _MISSING, (missing if is_v2 else f'Tensor name "{item.key}" not found in checkpoint files',)
        if entry.spec.dtype != item.variable.spec.dtype:
            # For a V1 file the message has the type of the first variable, whichever it is about.
            shown = item if is_v2 else chosen[0]
            wrong.append(_another_type(item.key, shown.variable, entry, is_v2))
            if not is_v2:
                break
    if wrong:
        return _DIFFERENT, tuple(wrong)
    parts = [
        f"tensor_name = {item.key}; shape in shape_and_slice spec {show_shape(item.variable.spec.shape)} does not match "
        f"the shape stored in checkpoint: {show_shape(inventory.entries[item.key].spec.shape)}"
        for item in chosen
        if item.variable.partitioned and item.variable.spec.shape != inventory.entries[item.key].spec.shape
    ]
    return (_DIFFERENT, tuple(parts[:1])) if parts else None


def _another_type(key: str, variable: Variable, entry: Entry, is_v2: bool) -> str:
    expected, stored = (_C_NAMES.get(dtype.name, dtype.name) for dtype in (variable.spec.dtype, entry.spec.dtype))
    if is_v2:
        return f"tensor_name = {key}; expected dtype {expected} does not equal original dtype {stored}"
    return (
        f"Expected to restore a tensor of type {expected}, got a tensor of type {stored} instead: tensor_name = {key}"
    )


def _assigned(
    call: str,
    graph: GraphSpec,
    inventory: Inventory,
    chosen: Sequence[_Wanted],
    reshape: bool,
    warnings: tuple[str, ...],
) -> Load:
    causes = []
    for item in chosen:
        stored = inventory.entries[item.key].spec.shape
        cause = _refusal(item.variable, stored, reshape)
        if cause:
            causes.append(cause)
    if causes:
        return _nothing(call, graph, inventory, _DIFFERENT, tuple(causes), warnings, chosen)
    given = {item.variable.key: item.key for item in chosen}
    used = set(given.values())
    return Load(
        call,
        given,
        tuple(variable.key for variable in graph.variables if variable.key not in given),
        warnings=warnings,
        ignored=tuple(key for key in inventory.variables if key not in used),
    )


def _refusal(variable: Variable, stored: Shape, reshape: bool) -> str:
    """What an assignment raises, if it does."""
    expected = variable.spec.shape
    if reshape:
        have, want = math.prod(stored), math.prod(expected)
        return f"Input to reshape is a tensor with {have} values, but the requested shape has {want}" * (have != want)
    if variable.resource or not _is_known(variable) or stored == expected:
        return ""
    return (
        "Assign requires shapes of both tensors to match. "
        f"lhs shape= {show_shape(expected)} rhs shape= {show_shape(stored)}"
    )


def _nothing(
    call: str,
    graph: GraphSpec,
    inventory: Inventory,
    error: str,
    causes: tuple[str, ...],
    warnings: tuple[str, ...],
    started: Sequence[_Wanted] = (),
) -> Load:
    """A restore that fails; of the variables that it had started to assign nothing is known."""
    open_keys = {item.variable.key for item in started}
    kept = tuple(variable.key for variable in graph.variables if variable.key not in open_keys)
    return Load(call, {}, kept, error, warnings, tuple(inventory.variables), causes=causes)
