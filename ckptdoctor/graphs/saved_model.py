"""The graph of a SavedModel, read without TensorFlow: its variables, as the keys that they are saved under.

    saved_model.pb   := SavedModel: saved_model_schema_version, meta_graphs: repeated MetaGraphDef
    TensorFlow 2     := MetaGraphDef.object_graph_def: SavedObjectGraph, the objects; a variable's key is its path
    TensorFlow 1     := MetaGraphDef.saver_def and graph_def, as in a `.meta` file

`keras_metadata.pb` and `fingerprint.pb` lie beside it; they describe nothing that a restore needs.

Source: TensorFlow, tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, saved_object_graph.proto.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ckptdoctor.containers.protobuf import Message, parse
from ckptdoctor.containers.tensorflow_messages import MetaGraphDef, SavedModel
from ckptdoctor.errors import Corrupt
from ckptdoctor.graphs.meta_graph import saved_variables
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.limits import MAX_META_GRAPH, MAX_OBJECTS
from ckptdoctor.specs.dtype import dtype_from_number
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.objects import OBJECT_VALUE, VALUE, Attribute, ObjectGraph, Slot, TrackedObject
from ckptdoctor.specs.tensor import TensorSpec, show_shape

_DAMAGED = "The file is damaged: fetch or save the SavedModel again."
_SERVING = b"serve"
_INIT = b"__saved_model_init_op"


def read_saved_model(path: Path, store: Store = LOCAL) -> GraphSpec:
    """The variables that a SavedModel restores; of several meta graphs the one that is served.

    Raises:
        Corrupt: the file is no SavedModel, or describes no variable.
    """
    file = store.open(path)
    if file.size > MAX_META_GRAPH:
        raise Corrupt(path, "SavedModel", f"{file.size:,} bytes", expected="at most 2 GiB", hint=_DAMAGED)
    try:
        model = parse(SavedModel, file.view(0, file.size, "SavedModel"))
        parsed = [parse(MetaGraphDef, data) for data in model.meta_graphs]
        if not parsed:
            raise ValueError("no meta graph")
        chosen = next((n for n, meta in enumerate(parsed) if _SERVING in meta.meta_info_def.tags), 0)
        meta = parsed[chosen]
        objects = _objects(meta.object_graph_def) if meta.object_graph_def.nodes else None
    except ValueError as error:
        raise Corrupt(path, "SavedModel", str(error), hint=_DAMAGED) from error
    if objects is not None:
        variables, graph = objects
    else:
        variables, graph = saved_variables(path, bytes(model.meta_graphs[chosen])), None
    tags = b", ".join(meta.meta_info_def.tags).decode("utf-8", "replace")
    notes = [f"The meta graph {tags or 'without a tag'} of {len(parsed)}."] if len(parsed) > 1 else []
    notes += [_signature(entry) for entry in meta.signature_def if entry.key != _INIT]
    return GraphSpec(str(path), GraphKind.SAVED_MODEL, variables, (str(path.resolve()),), tuple(notes), graph)


def _objects(graph: Message) -> tuple[tuple[Variable, ...], ObjectGraph]:
    """The variables of the objects, and the objects; a slot variable has its owner's path in its key."""
    nodes = graph.nodes
    if len(nodes) > MAX_OBJECTS:
        raise ValueError(f"{len(nodes):,} objects")
    objects = []
    for node in nodes:
        children = tuple((child.local_name.decode("utf-8", "replace"), child.node_id) for child in node.children)
        slots = tuple(
            Slot(s.original_variable_node_id, s.slot_name.decode("utf-8", "replace"), s.slot_variable_node_id)
            for s in node.slot_variables
        )
        named = [child for _, child in children] + [number for s in slots for number in (s.owner, s.node)]
        if named and not 0 <= min(named) <= max(named) < len(nodes):
            raise ValueError("an object leads to one that is not there")
        objects.append(TrackedObject(children, (), slots))
    bare = ObjectGraph(tuple(objects))
    paths = bare.paths()
    keys = {number: path + OBJECT_VALUE for number, path in paths.items()}
    # Source: TensorFlow, tensorflow/python/checkpoint/util.py, `serialize_slot_variables`.
    for number, item in enumerate(objects):
        for slot in item.slots:
            if slot.owner in paths and number in paths:
                keys[slot.node] = f"{paths[slot.owner]}/.OPTIMIZER_SLOT/{paths[number]}/{slot.name}{OBJECT_VALUE}"
    variables = []
    for number, node in enumerate(nodes):
        if not node.HasField("variable") or number not in keys:
            continue
        name = node.variable.name.decode("utf-8", "replace")
        objects[number] = replace(objects[number], attributes=(Attribute(VALUE, name, keys[number]),))
        shape = node.variable.shape
        try:
            dtype = dtype_from_number(node.variable.dtype)
        except KeyError:
            raise ValueError(f"unknown dtype {node.variable.dtype} of {name}") from None
        spec = TensorSpec(dtype, tuple(dim.size for dim in shape.dim))
        variables.append(
            Variable(
                name or keys[number],
                keys[number],
                spec,
                trainable=node.variable.trainable,
                resource=True,
                shape_known=not shape.unknown_rank,
                node=number,
            )
        )
    return tuple(variables), ObjectGraph(tuple(objects))


def _signature(entry: Message) -> str:
    """A signature as a sentence: its name, and the tensors that go in and come out."""
    sides = []
    for tensors in (entry.value.inputs, entry.value.outputs):
        listed = [f"{item.key.decode('utf-8', 'replace')} {_shown(item.value)}" for item in tensors]
        sides.append(", ".join(sorted(listed)) or "nothing")
    return f"Signature {entry.key.decode('utf-8', 'replace')}: {sides[0]} -> {sides[1]}."


def _shown(info: Message) -> str:
    if info.tensor_shape.unknown_rank:
        return show_shape(None)
    return show_shape(tuple(dim.size for dim in info.tensor_shape.dim))
