"""`tf.train.Checkpoint.restore` in a program that runs eagerly: by the names that lead from object to object.

Both graphs are walked at once, from their roots, breadth first, along the names that the checkpoint has. What is found is
read at once, so that a key that is missing or of another type ends it before anything is assigned; then it is assigned in
the order of the keys, up to the first of another shape. What is not found is passed over, unless the status is asked.
A checkpoint without an object graph is gone through by the names of the variables, one by one.

Sources: TensorFlow 2.21, tensorflow/python/checkpoint/restore.py, `CheckpointPosition._restore_descendants`,
`_queue_children_for_restoration`, `_queue_slot_variables`; tensorflow/python/checkpoint/checkpoint.py,
`CheckpointLoadStatus`, `NameBasedSaverStatus`, `_NameBasedRestoreCoordinator.eager_restore`, `Checkpoint.restore`;
tensorflow/python/checkpoint/functional_saver.py, `MultiDeviceSaver.restore`;
tensorflow/python/training/saving/saveable_object_util.py, `ResourceVariableSaveable.restore`. Each was tried.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.objects import ROOT, SAVE_COUNTER, ObjectGraph
from ckptdoctor.specs.tensor import Shape

_C_NAMES = {"float32": "float", "float64": "double", "float16": "half"}
_SAVED_LATER = "Detecting that an object or model or tf.train.Checkpoint is being deleted with unrestored values."


class Assertion(Enum):
    """What the status of a restore is asked; the value is the call."""

    NOTHING = ""
    CONSUMED = "assert_consumed()"
    EXISTING_OBJECTS_MATCHED = "assert_existing_objects_matched()"
    NONTRIVIAL_MATCH = "assert_nontrivial_match()"
    PARTIAL = "expect_partial()"


def restore(
    graph: GraphSpec, inventory: Inventory, assertion: Assertion = Assertion.NOTHING, at_root: bool = False
) -> Load | None:
    """What `tf.train.Checkpoint(…).restore(path)` does; None where that cannot be told.

    Args:
        graph: a program's, with its objects below a `tf.train.Checkpoint`.
        inventory: a TensorFlow checkpoint.
        assertion: what is asked of the status that it returns.
        at_root: whether the model itself is what is read into, as tf_keras's `load_weights` does; that wants no count of
            saves.
    """
    if graph.objects is None or graph.kind in (GraphKind.SAVED_MODEL, GraphKind.CHECKPOINT):
        return None
    start = graph.objects.child(ROOT, "model") if at_root else ROOT
    if start is None or any(not variable.shape_known for variable in graph.variables):
        return None
    if inventory.objects is None:
        return _by_names(graph, inventory, assertion)
    bound, matched = _walk(graph.objects, inventory.objects, start)
    keys = {
        variable.key: inventory.objects.objects[matched[variable.node]].key
        for variable in graph.variables
        if variable.node in matched and inventory.objects.objects[matched[variable.node]].key
    }
    variables = {variable.key: variable for variable in graph.variables}
    order = sorted(keys, key=lambda name: keys[name])
    error = _reading_failure([(variables[name], keys[name]) for name in order], inventory)
    given: dict[str, str] = {}
    for name in order if not error else ():
        stored = inventory.entries[keys[name]].spec.shape
        if not _compatible(variables[name].spec.shape, stored):
            error = _incompatible(f"{variables[name].name}:0", variables[name].spec.shape, stored)
            break
        given[name] = keys[name]
    unresolved = _unresolved(inventory.objects, bound, not at_root)
    if not error:
        failed = _failed_assertion(graph, inventory.objects, bound, unresolved, assertion)
        if failed is None:
            return None
        error = failed
    warnings: tuple[str, ...] = ()
    if unresolved and assertion is not Assertion.PARTIAL:
        lost = (f"Value in checkpoint could not be found in the restored object: {name}" for name in unresolved)
        warnings = (_SAVED_LATER, *lost)
    return _load(graph, inventory, assertion, given, error, warnings)


def _load(
    graph: GraphSpec,
    inventory: Inventory,
    assertion: Assertion,
    given: dict[str, str],
    error: str,
    warnings: tuple[str, ...] = (),
) -> Load:
    root = "model=model" if graph.wrapped else "..."
    asked = f".{assertion.value}" if assertion.value else ""
    used = set(given.values())
    return Load(
        f"tf.train.Checkpoint({root}).restore(path){asked}",
        {variable.key: given[variable.key] for variable in graph.variables if variable.key in given},
        tuple(variable.key for variable in graph.variables if variable.key not in given),
        error,
        warnings,
        tuple(key for key in inventory.variables if key not in used),
    )


def _walk(mine: ObjectGraph, stored: ObjectGraph, start: int) -> tuple[dict[int, int], dict[int, int]]:
    """The program's object for each of the checkpoint's that is reached; and the checkpoint's object that each takes.

    An object of the program may stand for several of the checkpoint's; it takes the value of the first.
    """
    bound = {ROOT: start}
    matched: dict[int, int] = {}
    has_slots = any(item.slots for item in mine.objects)
    pending = deque([(ROOT, start)])
    while pending:
        theirs, ours = pending.popleft()
        matched.setdefault(ours, theirs)
        names = dict(mine.objects[ours].children)
        found = [(child, names[name]) for name, child in stored.objects[theirs].children if name in names]
        for child, our_child in found + (_slots(mine, stored, bound) if has_slots else []):
            if child not in bound:
                bound[child] = our_child
                pending.append((child, our_child))
    return bound, matched


def _slots(mine: ObjectGraph, stored: ObjectGraph, bound: dict[int, int]) -> list[tuple[int, int]]:
    """The slot variables whose optimizer and owner are bound."""
    found = []
    for theirs, ours in bound.items():
        own = {(slot.owner, slot.name): slot.node for slot in mine.objects[ours].slots}
        for slot in stored.objects[theirs].slots if own else ():
            node = own.get((bound.get(slot.owner, -1), slot.name))
            if node is not None:
                found.append((slot.node, node))
    return found


def _reading_failure(wanted: Sequence[tuple[Variable, str]], inventory: Inventory) -> str:
    """What reading the values fails with, before anything is assigned."""
    for _, key in wanted:
        if key not in inventory.entries:
            return (
                f"NotFoundError: Error when restoring from checkpoint or SavedModel at {inventory.source}: "
                f"Key {key} not found in checkpoint"
            )
    for variable, key in wanted:
        expected, stored = variable.spec.dtype.name, inventory.entries[key].spec.dtype.name
        if expected != stored:
            return (
                f"InvalidArgumentError: tensor_name = {key}; expected dtype {_C_NAMES.get(expected, expected)} "
                f"does not equal original dtype {_C_NAMES.get(stored, stored)}"
            )
    return ""


def _compatible(expected: Shape, stored: Shape) -> bool:
    return len(expected) == len(stored) and all(
        size in (-1, other) for size, other in zip(expected, stored, strict=True)
    )


def _incompatible(name: str, expected: Shape, stored: Shape) -> str:
    return (
        f"ValueError: Received incompatible tensor with shape {stored} when attempting to restore variable with shape "
        f"{expected} and name {name}."
    )


def _unresolved(stored: ObjectGraph, bound: dict[int, int], counts: bool) -> list[str]:
    """The checkpoint's values for which the program has no object, as TensorFlow's messages name them."""
    counter = stored.child(ROOT, SAVE_COUNTER) if counts else None  # a restore makes the variable for it
    names = _printed_names(stored)
    return [
        names.get(node, "")
        for node, item in enumerate(stored.objects)
        if item.attributes and node not in bound and node != counter
    ]


def _printed_names(graph: ObjectGraph) -> dict[int, str]:
    """How TensorFlow's messages name an object (checkpoint/util.py, `ObjectGraphProtoPrettyPrinter`)."""
    names = {ROOT: "(root)"}
    pending = deque([ROOT])
    while pending:
        node = pending.popleft()
        for name, child in graph.objects[node].children:
            if child not in names:
                names[child] = f"{names[node]}.{name}"
                pending.append(child)
    for number, item in enumerate(graph.objects):
        for slot in item.slots:
            names.setdefault(
                slot.node, f"{names.get(number, '')}'s state '{slot.name}' for {names.get(slot.owner, '')}"
            )
    return names


def _failed_assertion(
    graph: GraphSpec, stored: ObjectGraph, bound: dict[int, int], unresolved: Sequence[str], assertion: Assertion
) -> str | None:
    """What the status raises when it is asked; None where that is not known."""
    if assertion is Assertion.NONTRIVIAL_MATCH:
        return _UNMATCHED_AT_ALL if len(bound) <= 1 else ""
    if assertion not in (Assertion.CONSUMED, Assertion.EXISTING_OBJECTS_MATCHED):
        return ""
    assert graph.objects is not None
    taken = set(bound.values())
    nodes = {variable.node for variable in graph.variables} | set(graph.unlisted)
    unmatched = len(nodes - taken)
    if stored.child(ROOT, SAVE_COUNTER) is None and graph.objects.child(ROOT, SAVE_COUNTER) is None:
        unmatched += 1
    if unmatched:
        return (
            f"AssertionError: Found {unmatched} Python objects that were not bound to checkpointed values, likely due to "
            "changes in the Python program."
        )
    if assertion is Assertion.CONSUMED and unresolved:
        return f"AssertionError: Unresolved object in checkpoint {unresolved[0]}"
    return ""


_UNMATCHED_AT_ALL = "AssertionError: Nothing except the root object matched a checkpointed value."


def _by_names(graph: GraphSpec, inventory: Inventory, assertion: Assertion) -> Load | None:
    """A checkpoint without an object graph: each variable takes the value that has its name."""
    found = [variable for variable in graph.variables if variable.name in inventory.entries]
    if graph.keras is not None and graph.keras.generation == 3 and graph.kind is GraphKind.KERAS_MODEL:
        found = []  # a variable of Keras 3 has no name that is looked for
    elif graph.keras_version.startswith("3") and found:
        return None  # it may be Keras's, or TensorFlow's own
    given: dict[str, str] = {}
    error = ""
    for variable in sorted(found, key=lambda item: item.node):
        entry = inventory.entries[variable.name]
        if not _compatible(variable.spec.shape, entry.spec.shape):
            error = _incompatible(variable.name, variable.spec.shape, entry.spec.shape)
            break
        if variable.spec.dtype != entry.spec.dtype:
            expected, stored = variable.spec.dtype.name, entry.spec.dtype.name
            error = (
                "InvalidArgumentError: Trying to assign variable with wrong dtype. "
                f"Expected {_C_NAMES.get(expected, expected)} got {_C_NAMES.get(stored, stored)}"
            )
            break
        given[variable.key] = variable.name
    if not error and assertion in (
        Assertion.CONSUMED,
        Assertion.EXISTING_OBJECTS_MATCHED,
        Assertion.NONTRIVIAL_MATCH,
    ):
        if len(found) < len(graph.variables):
            error = "AssertionError: Some objects had attributes which were not restored: "
        elif graph.unlisted:
            return None
    return _load(graph, inventory, assertion, given, error)
