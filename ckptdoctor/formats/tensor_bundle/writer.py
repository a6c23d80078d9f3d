"""Writing a tensor bundle.

Keys go into the index in the order of their bytes, as TensorFlow's `BundleWriter` puts them there; the index is the
last file to appear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ckptdoctor.containers.protobuf import Message
from ckptdoctor.containers.sstable.writer import TableWriter
from ckptdoctor.containers.tensorflow_messages import BundleEntryProto, BundleHeaderProto, key_to_bytes
from ckptdoctor.formats.layout import Layout, Part
from ckptdoctor.formats.ordered_code import slice_key
from ckptdoctor.formats.target import Incoming, Tensors, split
from ckptdoctor.formats.tensor_bundle.naming import index_path, shard_path
from ckptdoctor.formats.tensor_bundle.strings import encode_strings
from ckptdoctor.io import crc32c
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.tensor import Extent, TensorSpec

_BUNDLE_VERSION = 1  # TensorFlow, tensor_bundle.cc, kTensorBundleVersion


class BundleWriter:
    """Writes tensors into a new bundle: data shards, and an index. See `Writer`.

    Args:
        prefix: of the new bundle.
        output: the files to be; the caller commits it.
        tensors: the tensors to come.
        max_shard_size: the bytes that one data shard may hold; 0 for one shard.
    """

    def __init__(self, prefix: str, output: AtomicOutput, tensors: Tensors, max_shard_size: int = 0) -> None:
        self._output, self._index, self._tensors = output, index_path(prefix), tensors
        self._known: dict[str, int] = {}
        shards = split(tensors, max_shard_size)
        self._shards = [
            Path(output.create(shard_path(prefix, number, len(shards))).name) for number in range(len(shards))
        ]
        parts: list[Part] = []
        files = {}
        for path, keys in zip(self._shards, shards, strict=True):
            size = 0
            for key in keys:
                for part in self._parts(key, tensors[key], path, size):
                    parts.append(part)
                    size += part.extent.size
            files[path] = size
        self.layout = Layout(tuple(parts), files)

    def _parts(self, key: str, tensor: Incoming, path: Path, offset: int) -> Iterator[Part]:
        """Where a tensor lies in a shard: in one piece, or slice by slice."""
        spec, stored = tensor.spec, tensor.stored
        for part in tensor.slices:
            shape = tuple(side.stop - side.start for side in part.resolve(spec.shape))
            extent = Extent(path, offset, TensorSpec(spec.dtype, shape).nbytes)
            yield Part(key, TensorSpec(spec.dtype, shape), extent, part, checksum="crc32c")
            offset += extent.size
        if tensor.slices:
            return
        if spec.dtype.itemsize:
            yield Part(key, spec, Extent(path, offset, spec.nbytes), checksum="crc32c")
        elif stored is None:
            data, self._known[key] = encode_strings(tensor.strings)
            yield Part(key, spec, Extent(path, offset, len(data)), data=data)
        else:
            # The checksum of strings and variants is not that of their bytes; it is carried over.
            if stored.masked_crc is not None:
                self._known[key] = stored.masked_crc
            extent = Extent(path, offset, sum(extent.size for extent in stored.extents))
            yield Part(key, spec, extent, checksum="" if key in self._known else "crc32c")

    def finish(self, checksums: Sequence[int]) -> None:
        """Writes the index."""
        number_of = {path: number for number, path in enumerate(self._shards)}
        entries: dict[bytes, bytes] = {}
        for part, checksum in zip(self.layout.parts, checksums, strict=True):
            entry = BundleEntryProto(
                dtype=part.spec.dtype.number,
                shard_id=number_of[part.extent.file],
                offset=part.extent.offset,
                size=part.extent.size,
                crc32c=self._known.get(part.key, crc32c.mask(checksum)),
            )
            set_shape(entry, part.spec)
            name = key_to_bytes(part.key)
            entries[slice_key(name, part.slice) if part.slice else name] = entry.SerializeToString(deterministic=True)
        for key, tensor in self._tensors.items():
            if tensor.slices:
                entries[key_to_bytes(key)] = _listing(tensor).SerializeToString(deterministic=True)
        header = BundleHeaderProto(num_shards=len(self._shards))
        header.version.producer = _BUNDLE_VERSION
        write_index(self._index, header, entries, self._output)


def _listing(tensor: Incoming) -> Message:
    """The entry of a partitioned tensor, which lists its slices."""
    whole = BundleEntryProto(dtype=tensor.spec.dtype.number)
    set_shape(whole, tensor.spec)
    for part in tensor.slices:
        listed = whole.slices.add()
        for start, length in zip(part.starts, part.lengths, strict=True):
            extent = listed.extent.add()
            if length >= 0:
                extent.start, extent.length = start, length
    return whole


def set_shape(entry: Message, spec: TensorSpec) -> None:
    """Gives an entry the shape of a spec."""
    if [dim.size for dim in entry.shape.dim] == list(spec.shape) and entry.HasField("shape"):
        return
    entry.shape.Clear()
    entry.shape.SetInParent()  # a scalar's entry has an empty shape, not none
    for size in spec.shape:
        entry.shape.dim.add(size=size)


def write_index(path: Path, header: Message, entries: Mapping[bytes, bytes], output: AtomicOutput) -> None:
    """Writes an index: the header, and the entries in the order of their keys."""
    table = TableWriter(output.create(path))
    table.add(b"", header.SerializeToString(deterministic=True))
    for key in sorted(entries):
        table.add(key, entries[key])
    table.finish()
