"""The protocol buffer messages of the two TensorFlow checkpoint formats, under the owner's names.

Source: TensorFlow, tensorflow/core/protobuf/tensor_bundle.proto, tensorflow/core/util/saved_tensor_slice.proto and
tensorflow/core/framework/{tensor,tensor_shape,tensor_slice,versions}.proto; the checkpoint state file from
tensorflow/python/training/checkpoint_state.proto.
"""

from __future__ import annotations

from ckptdoctor.containers.protobuf import Message, declare
from ckptdoctor.limits import MAX_ELEMENTS, MAX_RANK
from ckptdoctor.specs.dtype import dtype_from_number
from ckptdoctor.specs.tensor import Shape, TensorSlice, TensorSpec

_CLASSES = declare(
    "ckptdoctor.checkpoint",
    {
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
    },
)

VersionDef = _CLASSES["VersionDef"]
TensorSliceProto = _CLASSES["TensorSliceProto"]
BundleHeaderProto = _CLASSES["BundleHeaderProto"]
BundleEntryProto = _CLASSES["BundleEntryProto"]
SavedTensorSlices = _CLASSES["SavedTensorSlices"]
CheckpointState = _CLASSES["CheckpointState"]


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
