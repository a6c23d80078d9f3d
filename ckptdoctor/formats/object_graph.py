"""The object graph of a TensorFlow 2 checkpoint: which key is which variable of which object.

    TrackableObjectGraph := nodes: repeated TrackableObject
    TrackableObject      := children (node_id, local_name), attributes (name, full_name, checkpoint_key), slot_variables

Source: TensorFlow, tensorflow/core/protobuf/trackable_object_graph.proto.
"""

from __future__ import annotations

from ckptdoctor.binary.protobuf import declare, parse

_CLASSES = declare(
    "ckptdoctor.object_graph",
    {
        "SerializedTensor": {"name": (1, "bytes"), "full_name": (2, "bytes"), "checkpoint_key": (3, "bytes")},
        "TrackableObject": {"attributes": (2, "repeated SerializedTensor")},
        "TrackableObjectGraph": {"nodes": (1, "repeated TrackableObject")},
    },
)


def full_names(data: bytes) -> dict[str, str]:
    """Checkpoint key → the variable's own name, for each key that has one of its own.

    Raises:
        ValueError: these bytes are no object graph.
    """
    graph = parse(_CLASSES["TrackableObjectGraph"], data)
    found: dict[str, str] = {}
    owners: dict[str, int] = {}
    for node in graph.nodes:
        for item in node.attributes:
            key, name = (part.decode("utf-8", "surrogateescape") for part in (item.checkpoint_key, item.full_name))
            if key and name:
                found[key] = name
                owners[name] = owners.get(name, 0) + 1
    # Names need not be unique in an object graph; one that several keys have tells nothing.
    return {key: name for key, name in found.items() if owners[name] == 1}
