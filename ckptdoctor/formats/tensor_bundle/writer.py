"""Writing a tensor bundle: new data in one shard, or a new index over another bundle's shards.

Keys go into the index in the order of their bytes, as TensorFlow's `BundleWriter` puts them there; the index is the
last file to appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.containers.protobuf import Message
from ckptdoctor.containers.sstable.writer import TableWriter
from ckptdoctor.containers.tensorflow_messages import (
    BundleEntryProto,
    BundleHeaderProto,
    key_to_bytes,
    slice_from_proto,
)
from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.formats.ordered_code import slice_key
from ckptdoctor.formats.target import Specs, copy_stored, split
from ckptdoctor.formats.tensor_bundle.naming import index_path, shard_path
from ckptdoctor.formats.tensor_bundle.reader import TensorBundle
from ckptdoctor.formats.tensor_bundle.strings import encode_strings
from ckptdoctor.io import crc32c
from ckptdoctor.io.atomic_output import AtomicOutput, copy_range
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.tensor import Extent, TensorSlice, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BUNDLE_VERSION = 1  # TensorFlow, tensor_bundle.cc, kTensorBundleVersion


class BundleWriter:
    """Writes tensors into a new bundle, in the order in which they were announced; `finish` writes the index.

    Args:
        prefix: of the new bundle.
        output: the files to be; the caller commits it.
        specs: the tensors to come.
        max_shard_size: the bytes that one data shard may hold; 0 for one shard.
    """

    def __init__(self, prefix: str, output: AtomicOutput, specs: Specs, max_shard_size: int = 0) -> None:
        self._output = output
        self._index = index_path(prefix)
        shards = split(specs, max_shard_size)
        self._shard_of = {key: number for number, keys in enumerate(shards) for key in keys}
        self._data = [output.create(shard_path(prefix, number, len(shards))) for number in range(len(shards))]
        self._offsets = [0] * len(shards)
        self._entries: dict[bytes, bytes] = {}

    def add_stored(self, key: str, spec: TensorSpec, stored: StoredBytes, advance: Advance) -> None:
        """Appends a tensor by copying its bytes; `advance` hears how many.

        Raises:
            Corrupt: the bytes have another checksum than the one recorded with them.
        """
        size = sum(extent.size for extent in stored.extents)
        data = self._data[self._shard_of[key]]
        if spec.dtype.itemsize or stored.masked_crc is None:
            masked = crc32c.mask(copy_stored(key, stored, data, advance))
        else:
            # The checksum of strings and variants is not that of their bytes; it is carried over.
            copy_stored(key, replace(stored, masked_crc=None), data, advance)
            masked = stored.masked_crc
        self._add(key, spec, size, masked)

    def add_slices(
        self,
        key: str,
        spec: TensorSpec,
        parts: Iterable[tuple[TensorSlice, Iterable[NDArray[Any]]]],
        advance: Advance,
    ) -> None:
        """Appends a partitioned tensor: an entry for each slice, and one that lists them."""
        whole = BundleEntryProto(dtype=spec.dtype.number)
        _set_shape(whole, spec)
        for part, chunks in parts:
            shape = tuple(side.stop - side.start for side in part.resolve(spec.shape))
            name = slice_key(key_to_bytes(key), part)
            self._append(key, name, TensorSpec(spec.dtype, shape), chunks, advance)
            listed = whole.slices.add()
            for start, length in zip(part.starts, part.lengths, strict=True):
                extent = listed.extent.add()
                if length >= 0:
                    extent.start, extent.length = start, length
        self._entries[key_to_bytes(key)] = whole.SerializeToString(deterministic=True)

    def add_chunks(self, key: str, spec: TensorSpec, chunks: Iterable[NDArray[Any]], advance: Advance) -> None:
        """Appends a tensor from its elements in row-major order, in parts of the spec's type."""
        self._append(key, key_to_bytes(key), spec, chunks, advance)

    def _append(
        self, key: str, name: bytes, spec: TensorSpec, chunks: Iterable[NDArray[Any]], advance: Advance
    ) -> None:
        crc = size = 0
        stream = self._data[self._shard_of[key]]
        for chunk in chunks:
            data = chunk.tobytes()
            stream.write(data)
            crc = crc32c.extend(crc, data)
            size += len(data)
            advance(len(data))
        if size != spec.nbytes:
            raise ValueError(f"{size:,} bytes for {key} {spec}")
        self._add(key, spec, size, crc32c.mask(crc), name)

    def add_strings(self, key: str, spec: TensorSpec, values: NDArray[Any], advance: Advance) -> None:
        """Appends a string tensor."""
        data, masked = encode_strings([bytes(text) for text in values.reshape(-1)])
        self._data[self._shard_of[key]].write(data)
        advance(len(data))
        self._add(key, spec, len(data), masked)

    def _add(self, key: str, spec: TensorSpec, size: int, masked: int, name: bytes = b"") -> None:
        shard = self._shard_of[key]
        entry = BundleEntryProto(
            dtype=spec.dtype.number, shard_id=shard, offset=self._offsets[shard], size=size, crc32c=masked
        )
        _set_shape(entry, spec)
        self._entries[name or key_to_bytes(key)] = entry.SerializeToString(deterministic=True)
        self._offsets[shard] += size

    def finish(self) -> None:
        """Writes the index."""
        header = BundleHeaderProto(num_shards=len(self._data))
        header.version.producer = _BUNDLE_VERSION
        _write_index(self._index, header, self._entries, self._output)


def reindex(
    source: TensorBundle,
    kept: Mapping[str, Entry],
    prefix: str,
    output: AtomicOutput,
    advance: Advance,
    *,
    link: bool,
) -> None:
    """A new bundle over the same shards: they are copied or hard-linked whole, and only the index is made anew.

    Args:
        source: the bundle whose shards are kept.
        kept: source key → the key and shape it has in the new bundle; the number of elements is the same.
        prefix: of the new bundle.
        output: the files to be; the caller commits it.
        advance: hears the bytes copied and checked.
        link: hard links instead of copies.

    Raises:
        Corrupt: data of a kept key has another checksum than its entry records.
    """
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as background:
        # The kernel copies while this thread reads what was copied and compares its checksums.
        copying = background.submit(_take_shards, source, prefix, output, link=link)
        for key in kept:
            for part in [part for _, part in source.slice_records(key)] or [source.record(key)]:
                source.check_data(key, part)
                advance(part.size)
        copying.result()
    entries: dict[bytes, bytes] = {}
    for key, entry in kept.items():
        record = source.record(key)
        parts = source.slice_records(key)
        name = key_to_bytes(entry.key)
        for (_, part), listed in zip(parts, record.proto.slices if parts else (), strict=True):
            entries[slice_key(name, slice_from_proto(listed))] = part.value
        # Fields that are unknown here are kept, and so are the bytes of what does not change.
        entries[name] = record.value
        if not parts and entry.spec != record.spec:
            changed = record.proto
            _set_shape(changed, entry.spec)
            entries[name] = changed.SerializeToString(deterministic=True)
    _write_index(index_path(prefix), source.header, entries, output)


def _take_shards(source: TensorBundle, prefix: str, output: AtomicOutput, *, link: bool) -> None:
    for number, shard in enumerate(source.shards):
        target = shard_path(prefix, number, len(source.shards))
        if link:
            output.link(shard, target)
        else:
            copy_range(Extent(shard, 0, source.store.size(shard)), output.create(target))


def _set_shape(entry: Message, spec: TensorSpec) -> None:
    if [dim.size for dim in entry.shape.dim] == list(spec.shape) and entry.HasField("shape"):
        return
    entry.shape.Clear()
    entry.shape.SetInParent()  # a scalar's entry has an empty shape, not none
    for size in spec.shape:
        entry.shape.dim.add(size=size)


def _write_index(path: Path, header: Message, entries: Mapping[bytes, bytes], output: AtomicOutput) -> None:
    table = TableWriter(output.create(path))
    table.add(b"", header.SerializeToString(deterministic=True))
    for key in sorted(entries):
        table.add(key, entries[key])
    table.finish()
