"""A plan for a checkpoint that TensorFlow 2 restores by objects: the program's own keys, and the graph that names them."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from ckptdoctor.conversion.plan import Plan, concat, derive
from ckptdoctor.conversion.renames import in_free_order
from ckptdoctor.errors import UsageError
from ckptdoctor.formats.object_graph import encode_objects
from ckptdoctor.ops import Describe, Drop, Initialise, Op, Rename
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Inventory
from ckptdoctor.specs.objects import (
    ROOT,
    SAVE_COUNTER,
    SAVE_COUNTER_KEY,
    VALUE,
    Attribute,
    ObjectGraph,
    Slot,
    TrackedObject,
)


def for_objects(plan: Plan, inventory: Inventory, graph: GraphSpec) -> Plan:
    """The plan, with its tensors put where `tf.train.Checkpoint.restore` looks for the graph's variables.

    Args:
        plan: what to do before; it ends with the graph's names.
        inventory: the source.
        graph: a graph with objects.

    Raises:
        UsageError: the plan gives none of the graph's variables.
    """
    objects = graph.objects
    if objects is None:
        raise UsageError(
            f"{graph.source} has no objects", hint="Name a Keras model, a tf.Module or a tf.train.Checkpoint."
        )
    made = derive(plan, inventory)
    wanted = {v.key: objects.objects[v.node].key for v in graph.variables if v.node >= 0}
    found = {key: place for key, place in wanted.items() if key in made}
    if not found:
        raise UsageError(
            f"{inventory.source} holds none of the variables of {graph.source} under names that could be matched",
            hint=f"See: {own_command('diff', operand(graph.source), operand(inventory.source))}",
        )
    kept = found.keys() | {SAVE_COUNTER_KEY}
    dropped = [key for key in made if key not in kept]
    renames = in_free_order((Rename(key, place) for key, place in found.items() if key != place), kept & made.keys())
    ops: list[Op] = [*map(Drop, dropped), *renames]
    if SAVE_COUNTER_KEY not in made:
        ops.append(Initialise(SAVE_COUNTER_KEY, dtype_from_name("int64"), (), 1.0))
    ops.append(Describe(OBJECT_GRAPH_KEY, encode_objects(_holding(objects, set(found.values())))))
    call = "tf.train.Checkpoint(model=model)" if graph.wrapped else "the program's own tf.train.Checkpoint"
    notes = [f"It is restored by objects: {call}.restore(path)."]
    if lost := sum(key != OBJECT_GRAPH_KEY for key in dropped):
        notes.append(f"{lost} tensors belong to none of the graph's objects and are left out.")
    if absent := len(wanted) - len(found):
        notes.append(f"{absent} variables have no value in the source: assert_consumed() will name them.")
    return concat(inventory.source, [plan, Plan(inventory.source, tuple(ops), tuple(notes))])


def _holding(graph: ObjectGraph, keys: set[str]) -> ObjectGraph:
    """The object graph of the values that are there, and the counter of saves."""
    held = with_values(graph, keys)
    objects = list(held.objects)
    counter = TrackedObject(attributes=(Attribute(VALUE, SAVE_COUNTER, SAVE_COUNTER_KEY),))
    node = held.child(ROOT, SAVE_COUNTER)
    if node is not None:
        objects[node] = counter
    else:
        objects[ROOT] = replace(objects[ROOT], children=(*objects[ROOT].children, (SAVE_COUNTER, len(objects))))
        objects.append(counter)
    return ObjectGraph(tuple(objects))


def with_values(graph: ObjectGraph, keys: Set[str]) -> ObjectGraph:
    """The objects that hold a value that is there, or lead to one, and the root.

    TensorFlow takes a variable for restored that has an object without a value (tensorflow/python/checkpoint/checkpoint.py,
    `CheckpointLoadStatus.assert_existing_objects_matched`), so such objects would silence its assertions.
    """
    objects = [
        replace(item, attributes=tuple(attribute for attribute in item.attributes if attribute.key in keys))
        for item in graph.objects
    ]
    parents: dict[int, list[int]] = {}
    for number, item in enumerate(objects):
        for child in (*(child for _, child in item.children), *(slot.node for slot in item.slots)):
            parents.setdefault(child, []).append(number)
    pending = [ROOT, *(number for number, item in enumerate(objects) if item.attributes)]
    kept = set(pending)
    while pending:
        for parent in parents.get(pending.pop(), ()):
            if parent not in kept:
                kept.add(parent)
                pending.append(parent)
    numbers = {old: new for new, old in enumerate(sorted(kept))}
    return ObjectGraph(
        tuple(
            TrackedObject(
                tuple((name, numbers[child]) for name, child in objects[old].children if child in kept),
                objects[old].attributes,
                tuple(
                    Slot(numbers[slot.owner], slot.name, numbers[slot.node])
                    for slot in objects[old].slots
                    if slot.owner in kept and slot.node in kept
                ),
            )
            for old in numbers
        )
    )


def pruned(plan: Plan, inventory: Inventory) -> Plan:
    """The plan, with the object graph that the source has told of what the plan leaves of its keys."""
    derived = derive(plan, inventory)
    tensor = derived.get(OBJECT_GRAPH_KEY)
    if inventory.objects is None or tensor is None or tensor.source != OBJECT_GRAPH_KEY:
        return plan
    described = {attribute.key for item in inventory.objects.objects for attribute in item.attributes}
    if described <= derived.keys():
        return plan
    held = with_values(inventory.objects, derived.keys())
    ops = (Drop(OBJECT_GRAPH_KEY), Describe(OBJECT_GRAPH_KEY, encode_objects(held)))
    return concat(inventory.source, [plan, Plan(inventory.source, ops)])
