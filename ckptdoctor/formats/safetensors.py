"""safetensors: a JSON header and raw bytes; one file, or several with an index.

    file   := size u64, header, data        size of the header, little-endian
    header := {"__metadata__": {…}, NAME: {"dtype", "shape", "data_offsets": [begin, end]}, …}
    index  := {"metadata": {…}, "weight_map": {NAME: FILE, …}}

Offsets count from the end of the header; the tensors cover the data without gaps or overlaps.

Source: safetensors, safetensors/src/tensor.rs, `SafeTensors::deserialize`, `Metadata::validate`; huggingface_hub,
`serialization/_base.py` for the index.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ckptdoctor.containers.weight_map import read_weight_map, unique
from ckptdoctor.errors import Corrupt, UsageError
from ckptdoctor.formats.format import Format, Probe, no_text
from ckptdoctor.formats.layout import Layout, Part
from ckptdoctor.formats.mapped_tensors import MappedTensors, require_size
from ckptdoctor.formats.target import Tensors, split
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.store import Store
from ckptdoctor.io.stored_file import StoredFile
from ckptdoctor.limits import MAX_ELEMENTS, MAX_JSON_HEADER, MAX_RANK
from ckptdoctor.specs.dtype import DType, dtype_from_name
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Extent, TensorSpec

FORMAT = "safetensors"
_METADATA = "__metadata__"

DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "I64": "int64",
    "U64": "uint64",
    "F64": "float64",
    "C64": "complex64",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
}
"""safetensors's names of types, and TensorFlow's."""

_PREFIX = 8
_INDEX = re.compile(rb'^\s*\{.*"weight_map"', re.DOTALL)
_DAMAGED = "The file is truncated or damaged: fetch it again."


def _is_file(probe: Probe) -> bool:
    """Whether a file begins as one: a header's size that fits the file, and an object."""
    head = probe.head
    size = int.from_bytes(head[:_PREFIX], "little")
    return (
        len(head) > _PREFIX
        and 2 <= size <= min(probe.file.size - _PREFIX, MAX_JSON_HEADER)
        and head[_PREFIX:][:1] == b"{"
    )


def _is_index(probe: Probe) -> bool:
    return _INDEX.match(probe.head) is not None


def open_safetensors(file: StoredFile, store: Store) -> MappedTensors:
    """Opens one file.

    Raises:
        FormatError: it is damaged.
    """
    entries, extents = _read_file(file)
    inventory = Inventory(str(file.path), FORMAT, Family.ARRAYS, (file.path,), dict(sorted(entries.items())))
    return MappedTensors(inventory, extents, store=store)


def open_sharded(index: Path, store: Store) -> MappedTensors:
    """Opens what an index lists.

    Raises:
        MissingData: a file is not there.
        FormatError: a file is damaged, or lacks a tensor that the index promises.
    """
    weight_map = read_weight_map(index, store)
    entries: dict[str, Entry] = {}
    extents: dict[str, Extent] = {}
    for file in weight_map.files:
        stored, places = _read_file(store.open(file))
        promised = {key for key, names in weight_map.names.items() if file.name in names}
        if promised - stored.keys():
            absent = min(promised - stored.keys())
            raise Corrupt(index, "weight_map", f"{file.name} does not hold {absent!r}", hint=_DAMAGED)
        entries |= {key: stored[key] for key in promised}
        extents |= {key: places[key] for key in promised}
    files = (index, *weight_map.files)
    inventory = Inventory(str(index), f"{FORMAT} (sharded)", Family.ARRAYS, files, dict(sorted(entries.items())))
    return MappedTensors(inventory, extents, store=store)


def _read_file(file: StoredFile) -> tuple[dict[str, Entry], dict[str, Extent]]:
    path, size = file.path, file.size
    length = int.from_bytes(file.view(0, _PREFIX, "header"), "little")
    if not 2 <= length <= min(size - _PREFIX, MAX_JSON_HEADER):
        raise Corrupt(path, "header", f"a header of {length:,} bytes in a file of {size:,}", offset=0, hint=_DAMAGED)
    header = _parse(path, bytes(file.view(_PREFIX, length, "header")))
    start = _PREFIX + length
    entries, extents = {}, {}
    for key, item in header.items():
        if key == _METADATA:
            continue
        spec, begin, end = _tensor(path, key, item)
        extent = Extent(path, start + begin, end - begin)
        require_size(path, key, spec, extent)
        entries[key], extents[key] = Entry(key, spec), extent
    reached = start
    for extent in sorted(extents.values(), key=lambda item: (item.offset, item.size)):
        if extent.offset != reached:
            raise Corrupt(path, "header", "tensors overlap or leave a gap", offset=reached, hint=_DAMAGED)
        reached += extent.size
    if reached != size:
        raise Corrupt(path, "data", f"{size:,} bytes", expected=f"{reached:,} bytes", hint=_DAMAGED)
    return entries, extents


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        table = json.loads(data, object_pairs_hook=unique)
        if not isinstance(table, dict):
            raise ValueError("it is no object")
    except (ValueError, RecursionError) as error:
        raise Corrupt(path, "header", f"is no JSON object: {error}", offset=_PREFIX, hint=_DAMAGED) from error
    return table


def _tensor(path: Path, key: str, item: Any) -> tuple[TensorSpec, int, int]:
    try:
        dtype: DType = dtype_from_name(DTYPES[item["dtype"]])
        shape, (begin, end) = tuple(item["shape"]), item["data_offsets"]
        numbers = (*shape, begin, end)
        if any(not isinstance(number, int) or isinstance(number, bool) or number < 0 for number in numbers):
            raise ValueError
        spec = TensorSpec(dtype, shape)
        if len(shape) > MAX_RANK or spec.elements > MAX_ELEMENTS or begin > end:
            raise ValueError
    except (TypeError, ValueError, KeyError) as error:
        shown = json.dumps(item)[:80] if isinstance(item, dict | list) else repr(item)[:80]
        raise Corrupt(
            path, f"header entry {key!r}", shown, expected="dtype, shape and data_offsets", hint=_DAMAGED
        ) from error
    return spec, begin, end


class SafetensorsWriter:
    """Writes one safetensors file, or several with an index. See `Writer`.

    Args:
        destination: the file.
        output: the files to be.
        tensors: the tensors to come.
        max_shard_size: the bytes of tensors that one file may hold; 0 for one file.

    Raises:
        UsageError: a tensor has a type that the format has not.
    """

    def __init__(self, destination: str, output: AtomicOutput, tensors: Tensors, max_shard_size: int = 0) -> None:
        shards = split(tensors, max_shard_size)
        stem = destination.removesuffix(".index.json").removesuffix(".safetensors")
        # Source: huggingface_hub, `serialization/_base.py`, `split_state_dict_into_shards_factory`, for the names.
        paths = [Path(f"{stem}-{number:05d}-of-{len(shards):05d}.safetensors") for number in range(1, len(shards) + 1)]
        sharded = bool(max_shard_size) and len(shards) > 1
        self._heads: list[tuple[BinaryIO, bytes]] = []
        parts: list[Part] = []
        files = {}
        for path, keys in zip(paths if sharded else [Path(destination)], shards, strict=True):
            header = _header({key: tensors[key].spec for key in keys})
            stream = output.create(path)
            self._heads.append((stream, len(header).to_bytes(_PREFIX, "little") + header))
            offset = _PREFIX + len(header)
            for key in keys:
                extent = Extent(Path(stream.name), offset, tensors[key].spec.nbytes)
                parts.append(Part(key, tensors[key].spec, extent))
                offset += extent.size
            files[Path(stream.name)] = offset
        self.layout = Layout(tuple(parts), files)
        if sharded:
            weight_map = {key: path.name for path, keys in zip(paths, shards, strict=True) for key in keys}
            total = sum(tensor.spec.nbytes for tensor in tensors.values())
            index = {"metadata": {"total_size": total}, "weight_map": weight_map}
            self._heads.append(
                (output.create(Path(f"{stem}.safetensors.index.json")), json.dumps(index, indent=2).encode())
            )

    def finish(self, checksums: Sequence[int]) -> None:
        """Writes the headers, and the index where there are several files."""
        for stream, head in self._heads:
            stream.write(head)


def _header(specs: Mapping[str, TensorSpec]) -> bytes:
    names = {name: word for word, name in DTYPES.items()}
    header: dict[str, Any] = {}
    offset = 0
    for key, spec in specs.items():
        if spec.dtype.name not in names:
            raise UsageError(f"{key} is {spec.dtype}, which safetensors has not", hint="Cast it with a plan step.")
        header[key] = {
            "dtype": names[spec.dtype.name],
            "shape": list(spec.shape),
            "data_offsets": [offset, offset + spec.nbytes],
        }
        offset += spec.nbytes
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % _PREFIX)


SAFETENSORS = Format(
    FORMAT,
    lambda probe: _is_file(probe) or _is_index(probe),
    Family.ARRAYS,
    lambda probe: (
        open_sharded(probe.path, probe.store) if _is_index(probe) else open_safetensors(probe.file, probe.store)
    ),
    target=FORMAT,
    write=lambda destination, output, tensors, options: SafetensorsWriter(
        destination, output, tensors, options.max_shard_size
    ),
    endings=(".safetensors", ".safetensors.index.json"),
    sharded=True,
    key_problem=lambda key: "the header keeps its metadata there" if key == _METADATA else no_text(key),
)
