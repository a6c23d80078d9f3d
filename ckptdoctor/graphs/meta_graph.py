"""A graph from a `.meta` file, read without TensorFlow.

    .meta := MetaGraphDef: graph_def (nodes), saver_def, collection_def

The keys a graph is restored under are the `tensor_names` of its save operation, which are not always the names of its
variables: a Saver may be given a map.

Source: TensorFlow, tensorflow/core/protobuf/meta_graph.proto and saver.proto, tensorflow/core/framework/graph.proto,
node_def.proto, attr_value.proto and variable.proto; tensorflow/core/ops/io_ops.cc for `SaveV2`, `Save`, `SaveSlices`.
"""

from __future__ import annotations

from pathlib import Path

from ckptdoctor.containers.protobuf import Message, parse
from ckptdoctor.containers.tensorflow_messages import MetaGraphDef, VariableDef
from ckptdoctor.errors import Corrupt
from ckptdoctor.graph_worker.consumers import consumer_of_variable
from ckptdoctor.graphs.consumer import consumer_of
from ckptdoctor.graphs.definition_nodes import graph_of_definition_nodes, inputs
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.limits import MAX_META_GRAPH
from ckptdoctor.specs.dtype import dtype_from_number
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec

_VARIABLES = ("VariableV2", "Variable", "VarHandleOp", "AutoReloadVariable")
_READS = ("Identity", "ReadVariableOp", "Cast", "Enter", "Reshape")
_SAVES = ("SaveV2", "SaveSlices", "Save")
_DAMAGED = "Save the graph again with tf.train.export_meta_graph, or name the Python file that builds it."


class _Nodes:
    """A graph's nodes by name, with their attributes."""

    def __init__(self, graph: Message) -> None:
        self.by_name = {node.name.decode("utf-8", "replace"): node for node in graph.node}
        self.graph = graph_of_definition_nodes(self.by_name)

    def op(self, name: str) -> str:
        node = self.by_name.get(name)
        return node.op.decode("utf-8", "replace") if node else ""

    def attribute(self, name: str, key: bytes) -> Message | None:
        node = self.by_name.get(name)
        return next((entry.value for entry in node.attr if entry.key == key), None) if node else None

    def variable_behind(self, name: str) -> str | None:
        """The variable whose value a tensor is, through reads."""
        for _ in range(8):
            if self.op(name) in _VARIABLES:
                return name
            sources = inputs(self.by_name[name]) if self.op(name) in _READS else []
            if not sources:
                return None
            name = sources[0]
        return None

    def strings(self, name: str) -> list[str]:
        """The values of a constant string tensor."""
        value = self.attribute(name, b"value")
        return [text.decode("utf-8", "surrogateescape") for text in value.tensor.string_val] if value else []


def read_meta_graph(path: Path, store: Store = LOCAL) -> GraphSpec:
    """The variables that a `.meta` file's graph restores, under the keys that its save operation uses.

    Raises:
        Corrupt: the file is no MetaGraphDef, or its graph has no variables.
    """
    file = store.open(path)
    if file.size > MAX_META_GRAPH:
        raise Corrupt(path, "meta graph", f"{file.size:,} bytes", expected="at most 2 GiB", hint=_DAMAGED)
    variables = saved_variables(path, bytes(file.view(0, file.size, "meta graph")))
    return GraphSpec(str(path), GraphKind.META_GRAPH, variables, (str(path.resolve()),))


def graph_of_definition(path: Path, data: bytes) -> GraphSpec:
    """The variables of a `GraphDef` that is not frozen, under their own names or those of its save operation.

    Raises:
        Corrupt: it has no variables, or one of an unknown type.
    """
    meta = MetaGraphDef()
    meta.graph_def.ParseFromString(data)
    return GraphSpec(str(path), GraphKind.GRAPH_DEF, _variables(path, meta), (str(path.resolve()),))


def saved_variables(path: Path, data: bytes) -> tuple[Variable, ...]:
    """The variables that a `MetaGraphDef` restores; `path` is the file that these bytes are of.

    Raises:
        Corrupt: they are no MetaGraphDef, or its graph has no variables.
    """
    try:
        meta = parse(MetaGraphDef, data)
    except ValueError as error:
        raise Corrupt(path, "meta graph", str(error), hint=_DAMAGED) from error
    return _variables(path, meta)


def _variables(path: Path, meta: Message) -> tuple[Variable, ...]:
    try:
        return _described(path, meta)
    except ValueError as error:
        raise Corrupt(path, "meta graph", str(error), hint=_DAMAGED) from error


def _described(path: Path, meta: Message) -> tuple[Variable, ...]:
    nodes = _Nodes(meta.graph_def)
    trainable = {name for name, members in _collections(meta).items() if "trainable_variables" in members}
    collections = _collections(meta)
    keys = _saved_keys(nodes, meta.saver_def)
    if not keys:
        # Without a save operation the names are the keys.
        keys = {name: (name, "") for name in nodes.by_name if nodes.op(name) in _VARIABLES}
    variables: dict[str, Variable] = {}
    for key, (name, box) in keys.items():
        shape, dtype = nodes.attribute(name, b"shape"), nodes.attribute(name, b"dtype")
        if shape is None or dtype is None:
            continue
        sizes = tuple(dim.size for dim in shape.shape.dim)
        if box:
            # "full sizes start,length:start,length" (tensorflow/core/framework/tensor_slice.cc)
            sizes = tuple(int(size) for size in box.split(" ")[:-1])
        try:
            spec = TensorSpec(dtype_from_number(dtype.type), sizes)
        except KeyError as error:
            raise Corrupt(path, f"variable {name!r}", f"unknown dtype {dtype.type}", hint=_DAMAGED) from error
        variables[key] = Variable(
            name,
            key,
            spec,
            trainable=name in trainable,
            resource=nodes.op(name) == "VarHandleOp",
            shape_known=not shape.shape.unknown_rank,
            collections=tuple(sorted(collections.get(name, ()))),
            consumer=consumer_of(consumer_of_variable(nodes.graph, name)),
            partitioned=bool(box),
        )
    if not variables:
        raise Corrupt(path, "meta graph", "no variables", hint=_DAMAGED)
    return tuple(variables.values())


def _collections(meta: Message) -> dict[str, set[str]]:
    """Variable name → the collections it is in."""
    members: dict[str, set[str]] = {}
    for entry in meta.collection_def:
        for data in entry.value.bytes_list.value:
            try:
                name = parse(VariableDef, data).variable_name
            except ValueError:
                continue  # a collection of something else
            members.setdefault(name.decode("utf-8", "replace").partition(":")[0], set()).add(
                entry.key.decode("utf-8", "replace")
            )
    return members


def _saved_keys(nodes: _Nodes, saver: Message) -> dict[str, tuple[str, str]]:
    """Key → the variable saved under it and its slice, from the save operations of the graph's saver."""
    scope = saver.filename_tensor_name.decode("utf-8", "replace").rpartition("/")[0]
    saves = [name for name in nodes.by_name if nodes.op(name) in _SAVES]
    own = [name for name in saves if name.rpartition("/")[0] == scope] or saves
    keys: dict[str, tuple[str, str]] = {}
    for save in own:
        sources = inputs(nodes.by_name[save])
        sliced = nodes.op(save) != "Save"
        if len(sources) < (3 if sliced else 2):
            raise ValueError(f"the operation {save} lacks inputs")
        names, boxes = nodes.strings(sources[1]), nodes.strings(sources[2]) if sliced else []
        for position, source in enumerate(sources[3 if sliced else 2 :]):
            variable = nodes.variable_behind(source)
            if variable is not None and position < len(names):
                keys[names[position]] = (variable, boxes[position] if position < len(boxes) else "")
    return keys
