"""The object graph of a TensorFlow 2 checkpoint: which key is which variable of which object.

    TrackableObjectGraph := nodes: repeated TrackableObject
    TrackableObject      := children (node_id, local_name), attributes (name, full_name, checkpoint_key), slot_variables,
                            has_checkpoint_values

Source: TensorFlow, tensorflow/core/protobuf/trackable_object_graph.proto.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ckptdoctor.containers.protobuf import parse
from ckptdoctor.containers.tensorflow_messages import TrackableObjectGraph
from ckptdoctor.limits import MAX_OBJECTS
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Entry
from ckptdoctor.specs.objects import Attribute, ObjectGraph, Slot, TrackedObject


def decode_objects(data: bytes) -> ObjectGraph:
    """The object graph that these bytes hold.

    Raises:
        ValueError: they are no object graph, or it has too many objects or leads to one that is not there.
    """
    message = parse(TrackableObjectGraph, data)
    if not 0 < len(message.nodes) <= MAX_OBJECTS:
        raise ValueError(f"{len(message.nodes):,} objects")
    objects = tuple(
        TrackedObject(
            tuple((_text(child.local_name), child.node_id) for child in node.children),
            tuple(Attribute(_text(a.name), _text(a.full_name), _text(a.checkpoint_key)) for a in node.attributes),
            tuple(
                Slot(s.original_variable_node_id, _text(s.slot_name), s.slot_variable_node_id)
                for s in node.slot_variables
            ),
        )
        for node in message.nodes
    )
    for number, item in enumerate(objects):
        named = [child for _, child in item.children] + [node for s in item.slots for node in (s.owner, s.node)]
        if named and not 0 <= min(named) <= max(named) < len(objects):
            raise ValueError(f"object {number} leads to an object that is not there")
    return ObjectGraph(objects)


def encode_objects(graph: ObjectGraph) -> bytes:
    """The bytes of an object graph, as TensorFlow would write them."""
    message = TrackableObjectGraph()
    holding = _holding_values(graph)
    for number, item in enumerate(graph.objects):
        node = message.nodes.add()
        for name, child in item.children:
            node.children.add(node_id=child, local_name=_bytes(name))
        for attribute in item.attributes:
            node.attributes.add(
                name=_bytes(attribute.name),
                full_name=_bytes(attribute.full_name),
                checkpoint_key=_bytes(attribute.key),
            )
        for slot in item.slots:
            node.slot_variables.add(
                original_variable_node_id=slot.owner, slot_name=_bytes(slot.name), slot_variable_node_id=slot.node
            )
        node.has_checkpoint_values.value = number in holding
    data: bytes = message.SerializeToString(deterministic=True)
    return data


def described(entries: Mapping[str, Entry], graph: ObjectGraph) -> dict[str, Entry]:
    """Entries with what the object graph says of them: their own name, their path through the model, their owner.

    A variable that several paths lead to is stored once, under the shortest, which may lead through an optimizer; the
    path that is shown leads past optimizers where one does.
    """
    owners = {slot.node: (slot.owner, slot.name) for slot in graph.slots()}
    shortest = graph.paths()
    through_model = graph.paths(lambda name: "optimizer" not in name.lower())
    full_names: dict[str, int] = {}
    for item in graph.objects:
        for attribute in item.attributes:
            full_names[attribute.full_name] = full_names.get(attribute.full_name, 0) + 1
    known = dict(entries)
    for number, item in enumerate(graph.objects):
        for attribute in item.attributes:
            if attribute.key not in known or attribute.key == OBJECT_GRAPH_KEY:
                continue
            # Names need not be unique in an object graph; one that several keys have tells nothing.
            own = attribute.full_name if full_names[attribute.full_name] == 1 else ""
            owner, slot = owners.get(number, (-1, ""))
            path = through_model.get(number) or shortest.get(number, "")
            known[attribute.key] = replace(
                known[attribute.key],
                name=own,
                path=path,
                owner=graph.objects[owner].key if owner >= 0 else "",
                slot=slot,
            )
    return known


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _holding_values(graph: ObjectGraph) -> set[int]:
    """The objects that hold a value or lead to one that does (tensorflow/python/checkpoint/util.py,
    `add_checkpoint_values_check`)."""
    parents: dict[int, list[int]] = {}
    for number, item in enumerate(graph.objects):
        for _, child in item.children:
            parents.setdefault(child, []).append(number)
    pending = [number for number, item in enumerate(graph.objects) if item.attributes]
    holding = set(pending)
    while pending:
        for parent in parents.get(pending.pop(), ()):
            if parent not in holding:
                holding.add(parent)
                pending.append(parent)
    return holding
