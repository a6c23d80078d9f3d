"""A graph definition, binary or text: of a frozen one, its constants under the names of their nodes.

    GraphDef   := node: repeated NodeDef
    NodeDef    := name, op, input, device, attr: map; a Const has attr["value"].tensor
    TensorProto := dtype, tensor_shape, and either tensor_content (raw, little-endian) or the typed field of its dtype, in
                  which the last value stands for all that follow

Source: TensorFlow, tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto, tensor.proto;
tensorflow/core/framework/tensor.cc, `FromProtoField`, for the repeated last value.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.containers.protobuf import Message, parse, parse_text
from ckptdoctor.containers.tensorflow_messages import GraphDef, spec_from_proto
from ckptdoctor.errors import Corrupt, NotACheckpoint
from ckptdoctor.formats.format import Format, Probe
from ckptdoctor.formats.mapped_tensors import Load, MappedTensors
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.limits import MAX_GRAPH_TEXT, MAX_META_GRAPH, MAX_UNSTORED
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "frozen graph"

_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int64": "int64_val",
    "bool": "bool_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    **dict.fromkeys(("int32", "int16", "int8", "uint16", "uint8", "qint8", "quint8", "qint32"), "int_val"),
}
_HALVES = ("float16", "bfloat16")
_FIRST_FIELD = b"\x0a"
_TEXT = re.compile(rb"(?:\s|#[^\n]*\n)*(?:node|versions|library)\s*[{:<]")
_VARIABLES = (b"VariableV2", b"Variable", b"VarHandleOp")
_LOOKED_AT = 64


def open_graph_def(probe: Probe) -> MappedTensors | None:
    """Opens a frozen graph; None if the file is no graph.

    Raises:
        NotACheckpoint: it is a graph that is not frozen, so its values are elsewhere.
        Corrupt: a constant is damaged.
    """
    path = probe.path
    graph = read_graph_def(path, probe.store)
    if graph is None:
        return None
    if has_variables(graph):
        raise NotACheckpoint(
            path,
            "file",
            "this is a graph definition with variables, whose values are in a checkpoint",
            hint=f"Compare them: {own_command('diff', operand(str(path)), 'CHECKPOINT')}",
        )
    entries: dict[str, Entry] = {}
    loads: dict[str, Load] = {}
    for node in graph.node:
        if node.op != b"Const":
            continue
        key = node.name.decode("utf-8", "surrogateescape")
        tensor = next((entry.value.tensor for entry in node.attr if entry.key == b"value"), None)
        try:
            if tensor is None:
                raise ValueError("it has no value")
            spec = spec_from_proto(tensor.dtype, tensor.tensor_shape)
            _check(tensor, spec)
        except ValueError as error:
            raise Corrupt(path, f"constant {key!r}", str(error), hint="The file is damaged: fetch it again.") from error
        entries[key] = Entry(key, spec)
        loads[key] = _loader(tensor, spec)
    notes = (
        "These are a frozen graph's constants: weights, and also axes, paddings and other small numbers.",
    )  # fmt: skip
    inventory = Inventory(str(path), FORMAT, Family.GRAPH, (path,), dict(sorted(entries.items())), notes)
    return MappedTensors(inventory, {}, loads)


def read_graph_def(path: Path, store: Store = LOCAL) -> Message | None:
    """A graph definition, from bytes or from text; None if the file is none.

    A file is taken for one if each of its first nodes has a name and an operation, which only nodes have in this place.
    """
    if not store.is_file(path) or not 0 < store.size(path) <= MAX_META_GRAPH:
        return None
    probe = Probe(path, store)
    if not _may_be_graph(probe):
        return None
    data = probe.file.view(0, probe.file.size, "graph definition")
    try:
        if probe.head.startswith(_FIRST_FIELD):
            graph = parse(GraphDef, data)
        elif len(data) <= MAX_GRAPH_TEXT:
            graph = parse_text(GraphDef, bytes(data).decode("utf-8", "surrogateescape"))
        else:
            return None
    except ValueError:
        return None
    ops = [node.op for node in graph.node[:_LOOKED_AT]]
    return graph if ops and all(op[:1].isalpha() and op.replace(b"_", b"").isalnum() for op in ops) else None


def has_variables(graph: Message) -> bool:
    """Whether a graph is not frozen: some node is a variable."""
    return any(node.op in _VARIABLES for node in graph.node)


def _check(tensor: Message, spec: TensorSpec) -> None:
    stored = len(tensor.tensor_content)
    if stored and spec.dtype.itemsize and stored != spec.nbytes:
        raise ValueError(f"{stored:,} bytes stored for {spec}; expected {spec.nbytes:,}")
    if not stored and spec.nbytes > MAX_UNSTORED:
        raise ValueError(f"{spec} without values: at most {MAX_UNSTORED:,} bytes are filled")


def _loader(tensor: Message, spec: TensorSpec) -> Load:
    def load() -> NDArray[Any]:
        import numpy as np

        if spec.dtype.name == "string":
            texts = np.empty(spec.elements, dtype=object)
            values = list(tensor.string_val)
            texts[:] = (values + values[-1:] * spec.elements)[: spec.elements] if values else [b""] * spec.elements
            return texts.reshape(spec.shape)
        dtype = spec.dtype.to_numpy()
        if tensor.tensor_content:
            return np.frombuffer(tensor.tensor_content, dtype=dtype).reshape(spec.shape)
        if spec.dtype.name in _HALVES:
            listed = np.array(list(tensor.half_val), dtype=np.uint16).view(dtype)
        else:
            field = _FIELDS.get(spec.dtype.name, "")
            listed = np.array(list(getattr(tensor, field)) if field else [], dtype=dtype)
        filled = np.zeros(spec.elements, dtype=dtype)
        filled[: listed.size] = listed[: spec.elements]
        if listed.size:
            filled[listed.size :] = listed[-1]
        return filled.reshape(spec.shape)

    return load


def _may_be_graph(probe: Probe) -> bool:
    return probe.head.startswith(_FIRST_FIELD) or _TEXT.match(probe.head) is not None


FROZEN_GRAPH = Format(FORMAT, _may_be_graph, Family.GRAPH, open_graph_def)
