"""The tensor bundle (V2): `PREFIX.index` and `PREFIX.data-SSSSS-of-NNNNN`.

    index   := table of "" → BundleHeaderProto, then key → BundleEntryProto
    shard   := the tensors' bytes, raw
    slice   := an entry of its own, under the slice key of its tensor; the tensor's entry lists its slices
    strings := varint(length)* masked_crc(lengths):fixed32 bytes*

Source: TensorFlow, tensorflow/core/util/tensor_bundle/tensor_bundle.{h,cc} and naming.cc.
"""
