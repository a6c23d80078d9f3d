"""The V1 checkpoint: one file, or several that match `PREFIX-?????-of-?????`.

    file  := table of "" → SavedTensorSlices with meta, then slice key → SavedTensorSlices with data
    meta  := every tensor's name, shape, type and slices
    data  := SavedSlice: name, slice, and a TensorProto with the values in the field of its type

Listing needs the first entry only. Floating-point values lie packed and raw, so they are mapped; integers are varints.

Source: TensorFlow, tensorflow/core/util/saved_tensor_slice.proto, tensor_slice_writer.{h,cc}, tensor_slice_reader.cc;
tensorflow/core/framework/tensor.proto for the value fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.containers.protobuf import Message, parse
from ckptdoctor.containers.sstable.reader import TableReader, Value
from ckptdoctor.containers.tensorflow_messages import (
    SavedTensorSlices,
    key_from_bytes,
    key_to_bytes,
    slice_from_proto,
    spec_from_proto,
)
from ckptdoctor.containers.varint import read_packed_varints
from ckptdoctor.containers.wire import BYTES, FIXED32, FIXED64, VARINT, WireField, walk
from ckptdoctor.errors import Corrupt, FormatError
from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.formats.format import Format
from ckptdoctor.formats.ordered_code import slice_key
from ckptdoctor.formats.slices import Piece, assemble, check_cover
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.specs.dtype import DType
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Extent, TensorSlice, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "TensorFlow V1"

_SAVED_SLICES_DATA, _SAVED_SLICE_DATA = 2, 3
_STRING_VAL, _HALF_VAL = 8, 13
_RAW_FIELDS = {"float32": 5, "float64": 6, "complex64": 9, "complex128": 12}
_VARINT_FIELDS = {
    **dict.fromkeys(("int32", "int16", "int8", "uint16", "uint8", "qint8", "quint8", "qint32", "qint16", "quint16"), 7),
    "int64": 10,
    "bool": 11,
    "float16": _HALF_VAL,
    "bfloat16": _HALF_VAL,
    "uint32": 16,
    "uint64": 17,
}
_DAMAGED = "The file is damaged: fetch it again, or use another step's checkpoint."


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor of the file's meta, and the shard each of its slices lies in."""

    spec: TensorSpec
    parts: tuple[tuple[TensorSlice, int], ...]


class V1Checkpoint:
    """An opened V1 checkpoint.

    Args:
        source: how the user can name it again.
        files: its shards.
        notes: what the user should know about how it was found.
        store: where its files are.

    Raises:
        FormatError: a file is missing or damaged.
    """

    def __init__(self, source: str, files: tuple[Path, ...], notes: tuple[str, ...] = (), store: Store = LOCAL) -> None:
        self._tables = tuple(TableReader(store.open(file)) for file in files)
        tensors: dict[str, _Tensor] = {}
        for shard, table in enumerate(self._tables):
            for meta in self._read_meta(table):
                key = key_from_bytes(meta.name)
                try:
                    spec = spec_from_proto(meta.type, meta.shape)
                    parts = tuple((slice_from_proto(proto), shard) for proto in meta.slice)
                    known = tensors.get(key)
                    if known and known.spec != spec:
                        raise ValueError(f"{spec} here, {known.spec} in an earlier shard")
                except ValueError as error:
                    raise _corrupt(table, f"meta of {key!r}", str(error)) from error
                tensors[key] = _Tensor(spec, known.parts + parts if known else parts)
        for key, tensor in tensors.items():
            try:
                check_cover([part for part, _ in tensor.parts], tensor.spec.shape)
            except ValueError as error:
                hint = "A shard may be missing." if len(files) > 1 else _DAMAGED
                raise Corrupt(files[0], f"meta of {key!r}", str(error), hint=hint) from error
        self._tensors = tensors
        self.inventory = Inventory(
            source,
            FORMAT,
            Family.TENSORFLOW,
            files,
            {
                key: Entry(key, tensor.spec, tuple(part for part, _ in tensor.parts) if len(tensor.parts) > 1 else ())
                for key, tensor in sorted(tensors.items())
            },
            notes,
            restore_pattern=f"{source}-?????-of-?????" if len(files) > 1 else "",
        )

    @staticmethod
    def _read_meta(table: TableReader) -> list[Message]:
        first = table.first()
        if first is None or first[0]:
            raise _corrupt(table, "meta", "the table does not start with the empty key")
        try:
            message = parse(SavedTensorSlices, bytes(first[1]))
        except ValueError as error:
            raise _corrupt(table, "meta", str(error)) from error
        if not message.HasField("meta"):
            raise _corrupt(table, "meta", "the entry of the empty key lists no tensors")
        return list(message.meta.tensor)

    def read(self, key: str) -> NDArray[Any]:
        """The value of a key. See `Checkpoint.read`."""
        tensor = self._tensors[key]
        if len(tensor.parts) == 1:
            return self._read(key, tensor.spec, *tensor.parts[0])
        return assemble(tensor.spec, self.pieces(key))

    def pieces(self, key: str) -> Iterator[Piece]:
        """The slices of a partitioned value. See `Checkpoint.pieces`."""
        tensor = self._tensors[key]
        for part, shard in tensor.parts if len(tensor.parts) > 1 else ():
            yield part, self._read(key, tensor.spec, part, shard)

    def _find(self, key: str, part: TensorSlice, shard: int) -> Value:
        table = self._tables[shard]
        value = table.get(slice_key(key_to_bytes(key), part))
        if value is None:
            raise _corrupt(table, f"data of {key!r}", "is listed but not there")
        return value

    def _read(self, key: str, whole: TensorSpec, part: TensorSlice, shard: int) -> NDArray[Any]:
        import numpy as np

        value = self._find(key, part, shard)
        shape = tuple(side.stop - side.start for side in part.resolve(whole.shape))
        spec = TensorSpec(whole.dtype, shape)
        try:
            fields = _value_fields(value, spec.dtype)
            if spec.dtype.name == "string":
                strings = [bytes(value.data[field.start : field.end]) for field in fields]
                array = np.empty(len(strings), dtype=object)
                array[:] = strings
            elif spec.dtype.name in _RAW_FIELDS:
                chunks = [np.frombuffer(value.data[f.start : f.end], dtype=spec.dtype.to_numpy()) for f in fields]
                array = chunks[0] if len(chunks) == 1 else np.concatenate([*chunks, np.zeros(0, spec.dtype.to_numpy())])
            else:
                array = _from_varints(value.data, fields, spec.dtype)
            if array.size != spec.elements:
                raise ValueError(f"{array.size:,} values for {spec}")
        except ValueError as error:
            raise _corrupt(self._tables[shard], f"data of {key!r}", str(error), value.file_offset) from error
        array = array.reshape(shape)
        array.flags.writeable = False
        return array

    def stored(self, key: str) -> StoredBytes | None:
        """Where the value's bytes lie, if its type is stored raw in one uncompressed slice. See `Checkpoint.stored`."""
        tensor = self._tensors[key]
        if len(tensor.parts) != 1 or tensor.spec.dtype.name not in _RAW_FIELDS:
            return None
        part, shard = tensor.parts[0]
        value = self._find(key, part, shard)
        table = self._tables[shard]
        if value.file_offset is None:
            return None
        try:
            fields = _value_fields(value, tensor.spec.dtype)
        except ValueError as error:
            raise _corrupt(table, f"data of {key!r}", str(error), value.file_offset) from error
        base = value.file_offset - value.start
        extents = tuple(Extent(table.file.path, base + field.start, field.end - field.start) for field in fields)
        if sum(extent.size for extent in extents) != tensor.spec.nbytes:
            raise _corrupt(table, f"data of {key!r}", f"not the {tensor.spec.nbytes:,} bytes of {tensor.spec}")
        return StoredBytes(extents, None)

    def verify(self, advance: Advance) -> list[FormatError]:
        """Checks every block's checksum and every tensor's extent."""
        problems: list[FormatError] = []
        for table in self._tables:
            try:
                for size in table.verify():
                    advance(size)
            except FormatError as error:
                problems.append(error)
        if not problems:
            for key, tensor in self._tensors.items():
                try:
                    # Raw values are measured where they lie; varints must be decoded to be counted.
                    if self.stored(key) is None:
                        for part, shard in tensor.parts:
                            self._read(key, tensor.spec, part, shard)
                except FormatError as error:
                    problems.append(error)
        return problems


def _corrupt(table: TableReader, structure: str, found: str, offset: int | None = None) -> Corrupt:
    return Corrupt(table.file.path, structure, found, offset=offset, hint=_DAMAGED)


def _value_fields(value: Value, dtype: DType) -> list[WireField]:
    """The fields that hold the elements, whether packed or one by one.

    Raises:
        ValueError: the message is damaged, or V1 files do not store this type.
    """
    name = dtype.name
    number = _STRING_VAL if name == "string" else _RAW_FIELDS.get(name) or _VARINT_FIELDS.get(name)
    if number is None:
        raise ValueError(f"{name} values are not known in V1 files")
    saved_slice = _only(value.data, value.start, value.end, _SAVED_SLICES_DATA)
    tensor = _only(value.data, saved_slice.start, saved_slice.end, _SAVED_SLICE_DATA)
    wire_types = {
        "string": (BYTES,),
        "float32": (BYTES, FIXED32),
        "complex64": (BYTES, FIXED32),
        "float64": (BYTES, FIXED64),
        "complex128": (BYTES, FIXED64),
    }.get(name, (BYTES, VARINT))
    fields = [field for field in walk(value.data, tensor.start, tensor.end) if field.number == number]
    if any(field.type not in wire_types for field in fields):
        raise ValueError(f"the values of {name} have a wrong wire type")
    return fields


def _only(data: memoryview, start: int, end: int, number: int) -> WireField:
    matching = [field for field in walk(data, start, end) if field.number == number and field.type == BYTES]
    if len(matching) != 1:
        raise ValueError(f"{len(matching)} fields {number} instead of one")
    return matching[0]


def _from_varints(data: memoryview, fields: list[WireField], dtype: DType) -> NDArray[Any]:
    import numpy as np

    chunks = [np.zeros(0, dtype=np.uint64)]
    for field in fields:
        if field.type == VARINT:
            chunks.append(np.array([field.varint], dtype=np.uint64))
        else:
            chunks.append(read_packed_varints(data[field.start : field.end]))
    numbers = np.concatenate(chunks)
    if dtype.name == "bool":
        return np.not_equal(numbers, 0)
    target = dtype.to_numpy()
    if dtype.name in ("float16", "bfloat16"):
        # half_val holds the bits of each number.
        return numbers.astype(np.uint16).view(target)
    # Negative numbers are sign-extended to 64 bits, so the low bytes are the value.
    return numbers.astype(target)


TF_V1 = Format(
    FORMAT,
    lambda probe: probe.is_table,
    Family.TENSORFLOW,
    lambda probe: V1Checkpoint(probe.source, (probe.path,), probe.notes, probe.store),
    checksums=True,
)
