"""Reading a tensor bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf.message import DecodeError

from ckptdoctor.containers.protobuf import Message, parse
from ckptdoctor.containers.sstable.reader import TableReader
from ckptdoctor.containers.tensorflow_messages import (
    BundleEntryProto,
    BundleHeaderProto,
    key_from_bytes,
    key_to_bytes,
    slice_from_proto,
    spec_from_proto,
)
from ckptdoctor.errors import Corrupt, FormatError, MissingData, MixedSaves, reason
from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.formats.object_graph import decode_objects, described
from ckptdoctor.formats.ordered_code import slice_key
from ckptdoctor.formats.slices import Piece, assemble, check_cover
from ckptdoctor.formats.tensor_bundle.naming import index_path, shard_path
from ckptdoctor.formats.tensor_bundle.strings import decode_strings
from ckptdoctor.io import crc32c
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.io.stored_file import StoredFile
from ckptdoctor.limits import MAX_SHARDS
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Entry, Family, Inventory
from ckptdoctor.specs.objects import ObjectGraph
from ckptdoctor.specs.tensor import Extent, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "tensor bundle (V2)"
TARGET = "tensor-bundle"
OBJECT_FORMAT = "tensor bundle (V2, objects)"

_BIG_ENDIAN = 1
# Bytes up to which a tensor is checked where it is mapped; opening the file for each takes longer.
_SMALL = 1 << 18
_SHAPE, _LONG = b"\x12", 0x80
_SLICE_KEY_START = b"\0"
_DAMAGED = "The index is damaged: fetch the checkpoint again, or use another step's."

_LISTED = 8
"""Missing shards that are named one by one."""

_ALL = 3
"""Checksums that must fail together before the shard is taken for another save's; one alone is damage."""


class Record(NamedTuple):
    """An index entry, checked: what of it says where the bytes are, its spec, and the entry itself.

    Attributes:
        spec: type and shape.
        shard, offset, size: where the bytes are.
        masked_crc: their checksum.
        sliced: whether it lists slices, and has no bytes of its own.
        value: the entry's bytes; its message is made of them when it is wanted, for a million of them take a gigabyte.
    """

    spec: TensorSpec
    shard: int
    offset: int
    size: int
    masked_crc: int
    sliced: bool
    value: bytes

    @property
    def proto(self) -> Message:
        """The `BundleEntryProto`."""
        return BundleEntryProto.FromString(self.value)


class TensorBundle:
    """An opened tensor bundle.

    Args:
        prefix: the common start of its files' names.
        notes: what the user should know about how it was found.
        store: where its files are.

    Raises:
        FormatError: the index is missing or damaged. Missing shards are no error until a value of theirs is read.
    """

    def __init__(self, prefix: str, notes: tuple[str, ...] = (), store: Store = LOCAL) -> None:
        self.prefix, self.store = prefix, store
        self.index = index_path(prefix)
        self._records: dict[str, Record] = {}
        self._slices: dict[bytes, Record] = {}
        table = TableReader(store.open(self.index))
        self.header: Message = None
        specs: dict[bytes, TensorSpec] = {}
        for key, value in table.rows():
            try:
                if self.header is None:
                    self.header = self._read_header(key, value)
                    continue
                record = self._read_record(value, specs)
            except (ValueError, DecodeError) as error:
                raise self._corrupt(f"entry {key_from_bytes(key)!r}", reason(error)) from error
            if key[:1] == _SLICE_KEY_START:
                self._slices[key] = record
            else:
                self._records[key_from_bytes(key)] = record
        if self.header is None:
            raise self._corrupt("header", "the table is empty")
        self.shards = tuple(
            shard_path(prefix, shard, self.header.num_shards) for shard in range(self.header.num_shards)
        )
        absent = [shard.name for shard in self.shards if not store.exists(shard)]
        self._some_data = len(absent) < len(self.shards)
        if absent:
            listed = ", ".join(absent[:_LISTED]) + (
                f" and {len(absent) - _LISTED} more" if len(absent) > _LISTED else ""
            )
            several = f"{len(absent)} of {len(self.shards)} data shards are" if len(self.shards) > 1 else "the data is"
            notes += (f"{several} missing: {listed}. Names, shapes and dtypes are known, values are not.",)
        entries = {
            key: Entry(key, record.spec, tuple(map(slice_from_proto, record.proto.slices)) if record.sliced else ())
            for key, record in self._records.items()
        }
        objects = self._objects()
        self.inventory = Inventory(
            prefix,
            FORMAT if OBJECT_GRAPH_KEY not in self._records else OBJECT_FORMAT,
            Family.TENSORFLOW,
            (self.index, *self.shards),
            described(entries, objects) if objects else entries,
            notes,
            objects,
            absent=tuple(absent),
        )

    def _objects(self) -> ObjectGraph | None:
        """The object graph, if there is one and it can be read."""
        record = self._records.get(OBJECT_GRAPH_KEY)
        if record is None or record.spec.dtype.name != "string" or record.spec.elements != 1:
            return None
        try:
            return decode_objects(bytes(self._read(OBJECT_GRAPH_KEY, record).reshape(-1)[0]))
        except (FormatError, ValueError):
            return None  # objects are a help; what is wrong with the data is said when values are read

    def _corrupt(self, structure: str, found: str) -> Corrupt:
        return Corrupt(self.index, structure, found, hint=_DAMAGED)

    def _read_header(self, key: bytes, value: bytes) -> Message:
        if key:
            raise ValueError("the first key is not the empty one, so there is no header")
        header = parse(BundleHeaderProto, value)
        if not 0 < header.num_shards <= MAX_SHARDS:
            raise ValueError(f"{header.num_shards:,} shards")
        if header.endianness not in (0, _BIG_ENDIAN):
            raise ValueError(f"endianness {header.endianness}")
        return header

    def _read_record(self, value: bytes, specs: dict[bytes, TensorSpec]) -> Record:
        """The border: what passes here is consistent in itself; whether the files hold it is checked on reading.

        Args:
            value: an index entry.
            specs: the specs of the entries before, by the bytes that hold them: most tensors are shaped as another one.
        """
        proto = BundleEntryProto.FromString(value)
        # Type and shape come first, 08 TYPE 12 SIZE SHAPE, the size in one byte if it is below 0x80.
        start = value[: 4 + value[3]] if value[2:3] == _SHAPE and value[3] < _LONG else value
        spec = specs.get(start)
        if spec is None:
            spec = specs[start] = spec_from_proto(proto.dtype, proto.shape)
        slices = proto.slices
        if slices:
            if not spec.shape:
                raise ValueError("a scalar in slices")
            check_cover([slice_from_proto(part) for part in slices], spec.shape)
            return Record(spec, 0, 0, 0, 0, True, value)
        shard, offset, size = proto.shard_id, proto.offset, proto.size
        if not 0 <= shard < self.header.num_shards:
            raise ValueError(f"shard {shard} of {self.header.num_shards}")
        if offset < 0 or size < 0:
            raise ValueError(f"offset {offset}, size {size}")
        if spec.dtype.itemsize and size != spec.nbytes:
            raise ValueError(f"{size:,} bytes stored for {spec}; expected {spec.nbytes:,}")
        return Record(spec, shard, offset, size, proto.crc32c, False, value)

    @property
    def big_endian(self) -> bool:
        """Whether the elements are stored big-endian."""
        return bool(self.header.endianness == _BIG_ENDIAN)

    @cached_property
    def _mapped(self) -> Any:
        return cache(self._map_shard)

    def _map_shard(self, shard: int) -> StoredFile:
        path = self.shards[shard]
        if not self.store.exists(path):
            raise MissingData(
                path,
                f"data shard {shard + 1} of {len(self.shards)}",
                "is missing",
                hint=self._missing_hint(path),
            )
        return self.store.open(path)

    def _missing_hint(self, path: Path) -> str:
        if not self._some_data:
            return (
                f"{self.index.name} lists the variables; their values are in {path.name}, which belongs beside it. "
                "Copy it there."
            )
        return f"Copy {path.name} into {path.parent} from where the other shards came."

    def _extent(self, record: Record) -> Extent:
        shard = self._mapped(record.shard)
        shard.view(record.offset, record.size, "tensor data")
        return Extent(shard.path, record.offset, record.size)

    def _bytes(self, record: Record) -> memoryview:
        view: memoryview = self._mapped(record.shard).view(record.offset, record.size, "tensor data")
        return view

    def shard(self, number: int) -> Extent:
        """All of a data shard.

        Raises:
            FormatError: it is missing.
        """
        mapped = self._mapped(number)
        return Extent(mapped.path, 0, mapped.size)

    def slice_records(self, key: str) -> tuple[tuple[bytes, Record], ...]:
        """The slice entries of a partitioned key: table key and record of each; empty for a whole one.

        Raises:
            Corrupt: a slice that the entry lists has no entry.
        """
        return tuple(self._parts(key))

    def record(self, key: str) -> Record:
        """The key's own entry."""
        return self._records[key]

    def _parts(self, key: str) -> list[tuple[bytes, Record]]:
        parts = []
        record = self._records[key]
        for proto in record.proto.slices if record.sliced else ():
            part = slice_from_proto(proto)
            table_key = slice_key(key_to_bytes(key), part)
            part_record = self._slices.get(table_key)
            if part_record is None:
                raise self._corrupt(f"entry {key!r}", f"its slice {part.starts}, {part.lengths} has no entry")
            shape = tuple(side.stop - side.start for side in part.resolve(record.spec.shape))
            if part_record.spec != TensorSpec(record.spec.dtype, shape) or part_record.sliced:
                raise self._corrupt(f"entry {key!r}", f"its slice {part.starts}, {part.lengths} is {part_record.spec}")
            parts.append((table_key, part_record))
        return parts

    def read(self, key: str) -> NDArray[Any]:
        """The value of a key. See `Checkpoint.read`."""
        entry = self.inventory.entries[key]
        return assemble(entry.spec, self.pieces(key)) if entry.slices else self._read(key, self._records[key])

    def pieces(self, key: str) -> Iterator[Piece]:
        """The slices of a partitioned value. See `Checkpoint.pieces`."""
        entry = self.inventory.entries[key]
        for part, (_, record) in zip(entry.slices, self._parts(key), strict=True):
            yield part, self._read(key, record)

    def _read(self, key: str, record: Record) -> NDArray[Any]:
        import numpy as np

        spec = record.spec
        if spec.dtype.name == "string":
            try:
                strings, _ = decode_strings(self._bytes(record), spec.elements)
            except ValueError as error:
                raise self._damaged(key, record, str(error)) from error
            array = np.empty(len(strings), dtype=object)
            array[:] = strings
            return array.reshape(spec.shape)
        if not spec.dtype.itemsize:
            raise FormatError(
                self.index,
                f"entry {key!r}",
                f"{spec.dtype} values can be copied but not read",
                hint="Leave this key out.",
            )
        dtype = spec.dtype.to_numpy()
        data = self._bytes(record)
        if not self.big_endian:
            return np.frombuffer(data, dtype=dtype).reshape(spec.shape)
        # ml_dtypes has no byte orders, so the bytes of each number are turned round instead; a complex number is two.
        unit = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
        octets = np.frombuffer(data, dtype=np.uint8).reshape(-1, unit)
        return np.ascontiguousarray(octets[:, ::-1]).reshape(-1).view(dtype).reshape(spec.shape)

    def _damaged(self, key: str, record: Record, found: str, expected: str = "") -> Corrupt:
        return Corrupt(
            self.shards[record.shard],
            f"data of {key!r}",
            found,
            offset=record.offset,
            expected=expected,
            hint="The data is damaged, or the index belongs to another step's data: fetch both again.",
        )

    def stored(self, key: str) -> StoredBytes | None:
        """Where a whole, little-endian value's bytes lie. See `Checkpoint.stored`."""
        record = self._records[key]
        if record.sliced or self.big_endian:
            return None
        # The checksum of strings and variants is taken over their parts; their bytes are copied as they are.
        encoding = "" if record.spec.dtype.itemsize else TARGET
        return StoredBytes((self._extent(record),), record.masked_crc, encoding)

    def verify(self, advance: Advance) -> list[FormatError]:
        """Checks every shard, extent and checksum. The index was checked when it was opened."""
        problems: list[FormatError] = []
        missing = {file for file in self.shards if not self.store.exists(file)}
        for number, file in enumerate(self.shards):
            try:
                if file not in missing or len(problems) < _LISTED:
                    self._mapped(number)
            except FormatError as error:
                problems.append(error)
        missing.update(Path(problem.file) for problem in problems)
        whole, failed = Counter[int](), dict[int, list[FormatError]]()
        for key, record in self._records.items():
            try:
                parts = [record for _, record in self._parts(key)] if record.sliced else [record]
            except FormatError as error:
                problems.append(error)
                continue
            for part in parts:
                if self.shards[part.shard] in missing:
                    continue
                try:
                    self.check_data(key, part)
                    whole[part.shard] += 1
                except FormatError as error:
                    failed.setdefault(part.shard, []).append(error)
                advance(part.size)
        for shard, errors in failed.items():
            problems += [self._mixed(shard, errors)] if not whole[shard] and len(errors) >= _ALL else errors
        return problems

    def _mixed(self, shard: int, errors: list[FormatError]) -> MixedSaves:
        """What it means that every checksum of a shard fails."""
        return MixedSaves(
            self.shards[shard],
            "data",
            f"all {len(errors)} checksums differ from the index's; the first: {errors[0].message}",
            hint="Copy the index and the data of one save together.",
        )

    def check_data(self, key: str, record: Record) -> None:
        """Compares the checksum of one entry's data.

        Raises:
            FormatError: the data is missing, truncated or has another checksum.
        """
        spec, extent = record.spec, self._extent(record)
        if spec.dtype.name == "variant":
            return
        if spec.dtype.name == "string":
            try:
                _, crc = decode_strings(self._bytes(record), spec.elements)
            except ValueError as error:
                raise self._damaged(key, record, str(error)) from error
        elif record.size < _SMALL:
            crc = crc32c.masked(self._bytes(record))
        else:
            crc = crc32c.mask(crc32c.of_range(self._mapped(record.shard), extent.offset, extent.size))
        if crc != record.masked_crc:
            raise self._damaged(key, record, f"masked crc {crc:#010x}", f"{record.masked_crc:#010x}")
