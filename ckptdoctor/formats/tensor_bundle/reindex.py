"""A new index over another bundle's shards, which are copied or hard-linked whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ckptdoctor.containers.tensorflow_messages import key_to_bytes, slice_from_proto
from ckptdoctor.formats.layout import Layout, WholeFile
from ckptdoctor.formats.ordered_code import slice_key
from ckptdoctor.formats.tensor_bundle.naming import index_path, shard_path
from ckptdoctor.formats.tensor_bundle.reader import TensorBundle
from ckptdoctor.formats.tensor_bundle.writer import set_shape, write_index
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.inventory import Entry


class BundleData:
    """A bundle's shards. See `DataFiles`."""

    def __init__(self, bundle: TensorBundle) -> None:
        self._bundle = bundle

    def reindex(
        self, kept: Mapping[str, Entry], destination: str, output: AtomicOutput, *, link: bool
    ) -> ReindexWriter:
        """See `DataFiles.reindex`."""
        return ReindexWriter(self._bundle, kept, destination, output, link=link)

    def check(self, key: str) -> int:
        """See `DataFiles.check`."""
        parts = [part for _, part in self._bundle.slice_records(key)] or [self._bundle.record(key)]
        for part in parts:
            self._bundle.check_data(key, part)
        return sum(part.size for part in parts)


class ReindexWriter:
    """Writes the index; the shards are the source's.

    Args:
        source: the bundle whose shards are kept.
        kept: source key → the key and shape it has in the new bundle; the number of elements is the same.
        prefix: of the new bundle.
        output: the files to be; the caller commits it.
        link: hard links instead of copies.
    """

    def __init__(
        self, source: TensorBundle, kept: Mapping[str, Entry], prefix: str, output: AtomicOutput, *, link: bool
    ) -> None:
        self._source, self._kept, self._prefix, self._output = source, kept, prefix, output
        whole = []
        for number in range(len(source.shards)):
            shard = source.shard(number)
            destination = shard_path(prefix, number, len(source.shards))
            if link:
                output.link(shard.file, destination)
            else:
                whole.append(WholeFile(shard, Path(output.create(destination).name)))
        self.layout = Layout(whole=tuple(whole), checked=tuple(kept))

    def finish(self, checksums: Sequence[int]) -> None:
        """Writes the index."""
        entries: dict[bytes, bytes] = {}
        for key, entry in self._kept.items():
            record = self._source.record(key)
            parts = self._source.slice_records(key)
            name = key_to_bytes(entry.key)
            for (_, part), listed in zip(parts, record.proto.slices if parts else (), strict=True):
                entries[slice_key(name, slice_from_proto(listed))] = part.value
            # Fields that are unknown here are kept, and so are the bytes of what does not change.
            entries[name] = record.value
            if not parts and entry.spec != record.spec:
                changed = record.proto
                set_shape(changed, entry.spec)
                entries[name] = changed.SerializeToString(deterministic=True)
        write_index(index_path(self._prefix), self._source.header, entries, self._output)
