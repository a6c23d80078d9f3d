"""TensorFlow's protocol buffer messages, declared once, under the owner's names, with the fields that are read.

Source: TensorFlow, tensorflow/core/protobuf/{tensor_bundle,meta_graph,saver,saved_model,saved_object_graph,
trackable_object_graph}.proto, tensorflow/core/util/saved_tensor_slice.proto, tensorflow/core/framework/{tensor,tensor_shape,
tensor_slice,versions,graph,node_def,attr_value,variable,types}.proto; the checkpoint state file from
tensorflow/python/training/checkpoint_state.proto.
"""

from __future__ import annotations

from ckptdoctor.containers.protobuf import Message, declare
from ckptdoctor.limits import MAX_ELEMENTS, MAX_RANK
from ckptdoctor.specs.dtype import dtype_from_number, enum_names
from ckptdoctor.specs.tensor import Shape, TensorSlice, TensorSpec

_CLASSES = declare(
    "ckptdoctor.tensorflow",
    {
        # Checkpoints.
        "VersionDef": {"producer": (1, "int32"), "min_consumer": (2, "int32"), "bad_consumers": (3, "repeated int32")},
        "Dim": {"size": (1, "int64"), "name": (2, "bytes")},
        "TensorShapeProto": {"dim": (2, "repeated Dim"), "unknown_rank": (3, "bool")},
        "SliceExtent": {"start": (1, "int64"), "length": (2, "optional int64")},
        "TensorSliceProto": {"extent": (1, "repeated SliceExtent")},
        "BundleHeaderProto": {"num_shards": (1, "int32"), "endianness": (2, "int32"), "version": (3, "VersionDef")},
        "BundleEntryProto": {
            "dtype": (1, "int32"),
            "shape": (2, "TensorShapeProto"),
            "shard_id": (3, "int32"),
            "offset": (4, "int64"),
            "size": (5, "int64"),
            "crc32c": (6, "fixed32"),
            "slices": (7, "repeated TensorSliceProto"),
        },
        "SavedSliceMeta": {
            "name": (1, "bytes"),
            "shape": (2, "TensorShapeProto"),
            "type": (3, "int32"),
            "slice": (4, "repeated TensorSliceProto"),
        },
        "SavedTensorSliceMeta": {"tensor": (1, "repeated SavedSliceMeta"), "versions": (2, "VersionDef")},
        "SavedTensorSlices": {"meta": (1, "SavedTensorSliceMeta")},
        "CheckpointState": {
            "model_checkpoint_path": (1, "string"),
            "all_model_checkpoint_paths": (2, "repeated string"),
            "all_model_checkpoint_timestamps": (3, "repeated double"),
            "last_preserved_timestamp": (4, "double"),
        },
        # Objects.
        "ObjectReference": {"node_id": (1, "int32"), "local_name": (2, "bytes")},
        "SerializedTensor": {"name": (1, "bytes"), "full_name": (2, "bytes"), "checkpoint_key": (3, "bytes")},
        "SlotVariableReference": {
            "original_variable_node_id": (1, "int32"),
            "slot_name": (2, "bytes"),
            "slot_variable_node_id": (3, "int32"),
        },
        "BoolValue": {"value": (1, "bool")},
        "TrackableObject": {
            "children": (1, "repeated ObjectReference"),
            "attributes": (2, "repeated SerializedTensor"),
            "slot_variables": (3, "repeated SlotVariableReference"),
            "has_checkpoint_values": (5, "BoolValue"),
        },
        "TrackableObjectGraph": {"nodes": (1, "repeated TrackableObject")},
        "SavedVariable": {
            "dtype": (1, "DataType"),
            "shape": (2, "TensorShapeProto"),
            "trainable": (3, "bool"),
            "name": (6, "bytes"),
        },
        "SavedObject": {
            "children": (1, "repeated ObjectReference"),
            "slot_variables": (3, "repeated SlotVariableReference"),
            "variable": (7, "SavedVariable"),
        },
        "SavedObjectGraph": {"nodes": (1, "repeated SavedObject")},
        # Graphs.
        "TensorProto": {
            "dtype": (1, "DataType"),
            "tensor_shape": (2, "TensorShapeProto"),
            "tensor_content": (4, "bytes"),
            "float_val": (5, "repeated float"),
            "double_val": (6, "repeated double"),
            "int_val": (7, "repeated int32"),
            "string_val": (8, "repeated bytes"),
            "int64_val": (10, "repeated int64"),
            "bool_val": (11, "repeated bool"),
            "half_val": (13, "repeated int32"),
            "uint32_val": (16, "repeated uint32"),
            "uint64_val": (17, "repeated uint64"),
        },
        "ListValue": {"i": (3, "repeated int64"), "shape": (7, "repeated TensorShapeProto")},
        "AttrValue": {
            "list": (1, "ListValue"),
            "s": (2, "bytes"),
            "b": (5, "bool"),
            "type": (6, "DataType"),
            "shape": (7, "TensorShapeProto"),
            "tensor": (8, "TensorProto"),
        },
        "AttrEntry": {"key": (1, "bytes"), "value": (2, "AttrValue")},
        "NodeDef": {
            "name": (1, "bytes"),
            "op": (2, "bytes"),
            "input": (3, "repeated bytes"),
            "attr": (5, "repeated AttrEntry"),
        },
        "GraphDef": {"node": (1, "repeated NodeDef")},
        "SaverDef": {"filename_tensor_name": (1, "bytes"), "save_tensor_name": (2, "bytes")},
        "BytesList": {"value": (1, "repeated bytes")},
        "CollectionDef": {"node_list": (1, "BytesList"), "bytes_list": (2, "BytesList")},
        "CollectionDefEntry": {"key": (1, "bytes"), "value": (2, "CollectionDef")},
        "VariableDef": {"variable_name": (1, "bytes")},
        "TensorInfo": {"name": (1, "bytes"), "dtype": (2, "DataType"), "tensor_shape": (3, "TensorShapeProto")},
        "TensorInfoEntry": {"key": (1, "bytes"), "value": (2, "TensorInfo")},
        "SignatureDef": {"inputs": (1, "repeated TensorInfoEntry"), "outputs": (2, "repeated TensorInfoEntry")},
        "SignatureDefEntry": {"key": (1, "bytes"), "value": (2, "SignatureDef")},
        "MetaInfoDef": {"tags": (4, "repeated bytes")},
        "MetaGraphDef": {
            "meta_info_def": (1, "MetaInfoDef"),
            "graph_def": (2, "GraphDef"),
            "saver_def": (3, "SaverDef"),
            "collection_def": (4, "repeated CollectionDefEntry"),
            "signature_def": (5, "repeated SignatureDefEntry"),
            "object_graph_def": (7, "SavedObjectGraph"),
        },
        # Its meta graphs are parsed one by one.
        "SavedModel": {"saved_model_schema_version": (1, "int64"), "meta_graphs": (2, "repeated bytes")},
    },
    {"DataType": enum_names()},
)

VersionDef = _CLASSES["VersionDef"]
TensorSliceProto = _CLASSES["TensorSliceProto"]
BundleHeaderProto = _CLASSES["BundleHeaderProto"]
BundleEntryProto = _CLASSES["BundleEntryProto"]
SavedTensorSlices = _CLASSES["SavedTensorSlices"]
CheckpointState = _CLASSES["CheckpointState"]
TrackableObjectGraph = _CLASSES["TrackableObjectGraph"]
GraphDef = _CLASSES["GraphDef"]
MetaGraphDef = _CLASSES["MetaGraphDef"]
VariableDef = _CLASSES["VariableDef"]
SavedModel = _CLASSES["SavedModel"]


def key_from_bytes(data: bytes) -> str:
    """A checkpoint key as text; bytes that are not UTF-8 survive the way back through `key_to_bytes`."""
    return data.decode("utf-8", "surrogateescape")


def key_to_bytes(key: str) -> bytes:
    """The bytes of a key."""
    return key.encode("utf-8", "surrogateescape")


def spec_from_proto(dtype: int, shape: Message) -> TensorSpec:
    """A tensor's spec, checked: a known type, a bounded rank, no negative size, a bounded number of elements.

    Raises:
        ValueError: one of these does not hold.
    """
    try:
        known = dtype_from_number(dtype)
    except KeyError:
        raise ValueError(f"unknown dtype {dtype}") from None
    if shape.unknown_rank or len(shape.dim) > MAX_RANK:
        raise ValueError(f"a shape of {'unknown' if shape.unknown_rank else len(shape.dim)} dimensions")
    sizes: Shape = tuple(dim.size for dim in shape.dim)
    if any(size < 0 for size in sizes):
        raise ValueError(f"a negative size in {list(sizes)}")
    spec = TensorSpec(known, sizes)
    if spec.elements > MAX_ELEMENTS:
        raise ValueError(f"{list(sizes)} has too many elements")
    return spec


def slice_from_proto(proto: Message) -> TensorSlice:
    """A tensor slice; an extent without a length is the whole dimension."""
    return TensorSlice(
        tuple(extent.start for extent in proto.extent),
        tuple(extent.length if extent.HasField("length") else -1 for extent in proto.extent),
    )
