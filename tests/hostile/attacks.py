"""Files that were made to harm: one function an idea. Each writes into a directory and returns what is to be opened."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cramjam
import h5py
import numpy as np

from ckptdoctor.containers.sstable.format import FOOTER_SIZE
from ckptdoctor.containers.sstable.writer import TableWriter
from ckptdoctor.containers.tensorflow_messages import BundleEntryProto, BundleHeaderProto
from ckptdoctor.containers.varint import encode_varint
from ckptdoctor.formats.object_graph import encode_objects
from ckptdoctor.formats.ordered_code import slice_key
from ckptdoctor.formats.tensor_bundle.strings import encode_strings
from ckptdoctor.io import crc32c
from ckptdoctor.specs.objects import ObjectGraph, TrackedObject
from ckptdoctor.specs.tensor import TensorSlice

Attack = Callable[[Path], Path]


# --- Tables


def _header(shards: int = 1) -> bytes:
    header = BundleHeaderProto(num_shards=shards)
    header.version.producer = 1
    return bytes(header.SerializeToString())


def _entry(dims: list[int], size: int, *, offset: int = 0, dtype: int = 1, shard: int = 0, crc: int = 0) -> Any:
    entry = BundleEntryProto(dtype=dtype, offset=offset, size=size, shard_id=shard, crc32c=crc)
    entry.shape.SetInParent()
    for dim in dims:
        entry.shape.dim.add(size=dim)
    return entry


def _bundle(directory: Path, entries: list[tuple[bytes, bytes]], data: bytes = bytes(64), header: bytes = b"") -> Path:
    stream = io.BytesIO()
    table = TableWriter(stream)
    table.add(b"", header or _header())
    for key, value in sorted(entries):
        table.add(key, value)
    table.finish()
    (directory / "m.index").write_bytes(stream.getvalue())
    (directory / "m.data-00000-of-00001").write_bytes(data)
    return directory / "m"


def _raw_table(directory: Path, block: bytes, *, compression: int = 0) -> Path:
    """A table of one data block, as it stands, with right checksums around it."""

    def stored(data: bytes, kind: int = 0) -> bytes:
        body = data + bytes([kind])
        return body + struct.pack("<I", crc32c.masked(body))

    restarts = struct.pack("<2I", 0, 1)
    meta_at = len(block) + 5
    empty = struct.pack("<2I", 0, 1)
    handle = encode_varint(0) + encode_varint(len(block))
    index = b"\0" + encode_varint(4) + encode_varint(len(handle)) + b"\xff" * 4 + handle + restarts
    index_at = meta_at + len(empty) + 5
    handles = b"".join(map(encode_varint, (meta_at, len(empty), index_at, len(index))))
    footer = handles.ljust(FOOTER_SIZE - 8, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    (directory / "m.index").write_bytes(stored(block, compression) + stored(empty) + stored(index) + footer)
    return directory / "m"


def _first() -> bytes:
    """A block's entry of the empty key: the bundle's header."""
    return b"\0\0" + encode_varint(len(_header())) + _header()


def varint_without_end(directory: Path) -> Path:
    return _raw_table(directory, b"\xff" * 400 + struct.pack("<2I", 0, 1))


def a_million_restarts(directory: Path) -> Path:
    return _raw_table(directory, b"\0\0\0" + struct.pack("<I", 1_000_000))


def snappy_bomb(directory: Path) -> Path:
    packed = bytes(cramjam.snappy.compress_raw(bytes(1000)))
    return _raw_table(directory, encode_varint(1 << 40) + packed[2:], compression=1)


def snappy_of_zeros(directory: Path) -> Path:
    """Really unfolds to 300 MB."""
    return _raw_table(directory, bytes(cramjam.snappy.compress_raw(bytes(300 << 20))), compression=1)


def keys_out_of_order(directory: Path) -> Path:
    return _raw_table(directory, _first() + b"\0\1\0b" + b"\0\1\0a" + struct.pack("<2I", 0, 1))


def duplicate_keys(directory: Path) -> Path:
    entry = _entry([4], 16).SerializeToString()
    again = b"\0\1" + encode_varint(len(entry)) + b"a" + entry
    return _raw_table(directory, _first() + again + again + struct.pack("<2I", 0, 1))


def handles_that_loop(directory: Path) -> Path:
    path = _bundle(directory, [(b"w", _entry([4], 16).SerializeToString())])
    data = bytearray((directory / "m.index").read_bytes())
    # Both handles of the footer are the footer's own place.
    at = len(data) - FOOTER_SIZE
    handles = (encode_varint(at) + encode_varint(FOOTER_SIZE - 5)) * 2
    data[at : at + FOOTER_SIZE - 8] = handles.ljust(FOOTER_SIZE - 8, b"\0")
    (directory / "m.index").write_bytes(data)
    return path


def handles_beyond_the_file(directory: Path) -> Path:
    path = _bundle(directory, [(b"w", _entry([4], 16).SerializeToString())])
    data = bytearray((directory / "m.index").read_bytes())
    at = len(data) - FOOTER_SIZE
    data[at : at + FOOTER_SIZE - 8] = (encode_varint((1 << 63) - 1) * 4).ljust(FOOTER_SIZE - 8, b"\0")
    (directory / "m.index").write_bytes(data)
    return path


def shape_that_overflows(directory: Path) -> Path:
    return _bundle(directory, [(b"w", _entry([1 << 32, 1 << 32, 16], 64).SerializeToString())])


def negative_size(directory: Path) -> Path:
    return _bundle(directory, [(b"w", _entry([-4], 16).SerializeToString())])


def a_thousand_dimensions(directory: Path) -> Path:
    return _bundle(directory, [(b"w", _entry([1] * 1000, 4).SerializeToString())])


def extent_beyond_the_data(directory: Path) -> Path:
    return _bundle(directory, [(b"w", _entry([4], 16, offset=1 << 40).SerializeToString())])


def extents_that_overlap(directory: Path) -> Path:
    entries = [(key, _entry([8], 32, offset=offset).SerializeToString()) for key, offset in ((b"a", 0), (b"b", 16))]
    return _bundle(directory, entries)


def shard_of_nowhere(directory: Path) -> Path:
    return _bundle(directory, [(b"w", _entry([4], 16, shard=7).SerializeToString())])


def a_billion_shards(directory: Path) -> Path:
    return _bundle(directory, [], header=_header(1 << 30))


def _sliced(directory: Path, parts: list[tuple[int, int]], *, stored: bool = True) -> Path:
    whole = BundleEntryProto(dtype=1)
    whole.shape.dim.add(size=8)
    entries = []
    for start, length in parts:
        whole.slices.add().extent.add(start=start, length=length)
        key = slice_key(b"w", TensorSlice((start,), (length,)))
        entries.append((key, _entry([length], 4 * length).SerializeToString()))
    return _bundle(directory, [(b"w", whole.SerializeToString()), *(entries if stored else [])])


def slices_that_overlap(directory: Path) -> Path:
    return _sliced(directory, [(0, 5), (3, 5)])


def slices_with_a_gap(directory: Path) -> Path:
    return _sliced(directory, [(0, 3), (5, 3)])


def slices_that_are_not_there(directory: Path) -> Path:
    return _sliced(directory, [(0, 4), (4, 4)], stored=False)


def slices_beyond_the_tensor(directory: Path) -> Path:
    return _sliced(directory, [(0, 4), (4, 1 << 40)])


def slices_of_another_shape(directory: Path) -> Path:
    whole = BundleEntryProto(dtype=1)
    whole.shape.dim.add(size=8)
    whole.slices.add().extent.add(start=0, length=8)
    key = slice_key(b"w", TensorSlice((0,), (8,)))
    return _bundle(directory, [(b"w", whole.SerializeToString()), (key, _entry([4], 16).SerializeToString())])


def a_scalar_in_slices(directory: Path) -> Path:
    whole = BundleEntryProto(dtype=1)
    whole.shape.SetInParent()
    whole.slices.add()
    return _bundle(directory, [(b"w", whole.SerializeToString())])


def a_hundred_thousand_missing_shards(directory: Path) -> Path:
    return _bundle(directory, [(b"w", _entry([4], 16).SerializeToString())], header=_header(100_000))


def strings_that_lie(directory: Path) -> Path:
    data = encode_varint(1 << 40) + bytes(20)
    entry = _entry([1], len(data), dtype=7)
    return _bundle(directory, [(b"s", entry.SerializeToString())], data)


def names_with_terminal_escapes(directory: Path) -> Path:
    keys = [b"a\x1b[2J\x1b]0;owned\x07", b"b\nc\rd", b"\xff\xfe", "\u202eevil".encode()]
    data = bytes(16)
    crc = crc32c.masked(data)
    return _bundle(directory, [(key, _entry([4], 16, crc=crc).SerializeToString()) for key in keys], data)


def names_that_lead_out(directory: Path) -> Path:
    data = bytes(16)
    crc = crc32c.masked(data)
    keys = [b"../../up", b"/etc/passwd", b"a/../b", b"C:\\x"]
    return _bundle(directory, [(key, _entry([4], 16, crc=crc).SerializeToString()) for key in keys], data)


# --- Object graphs


def _objects(directory: Path, data: bytes) -> Path:
    stored, crc = encode_strings([data])
    entry = _entry([], len(stored), dtype=7, crc=crc)
    return _bundle(directory, [(b"_CHECKPOINTABLE_OBJECT_GRAPH", entry.SerializeToString())], stored)


def objects_in_a_circle(directory: Path) -> Path:
    ring = tuple(TrackedObject((("next", (number + 1) % 1000), ("self", number))) for number in range(1000))
    return _objects(directory, encode_objects(ObjectGraph(ring)))


def objects_that_are_not_there(directory: Path) -> Path:
    return _objects(directory, encode_objects(ObjectGraph((TrackedObject((("a", 5),)),))))


def an_object_graph_of_noise(directory: Path) -> Path:
    return _objects(directory, bytes(range(256)) * 4)


# --- State files


def a_state_file_without_end(directory: Path) -> Path:
    with (directory / "checkpoint").open("wb") as file:
        file.write(b'model_checkpoint_path: "x"\n')
        file.truncate(1 << 32)
    return directory


def a_state_file_that_points_outside(directory: Path) -> Path:
    (directory / "checkpoint").write_text('model_checkpoint_path: "../../../../etc/passwd"\n')
    return directory


# --- Archives


def _npy(value: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, value)
    return stream.getvalue()


def zip_bomb(directory: Path) -> Path:
    path = directory / "x"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(1 << 20))
    path.write_bytes(path.read_bytes().replace((1 << 20).to_bytes(4, "little"), (1 << 30).to_bytes(4, "little")))
    return path


def zip_member_twice(directory: Path) -> Path:
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(directory / "x", "w") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("a.npy", _npy(np.ones(2)))
        archive.writestr("a.npy", _npy(np.zeros(2)))
    return directory / "x"


def zip_member_outside(directory: Path) -> Path:
    with zipfile.ZipFile(directory / "x", "w") as archive:
        archive.writestr("../a.npy", _npy(np.ones(2)))
    return directory / "x"


def zip_member_absolute(directory: Path) -> Path:
    with zipfile.ZipFile(directory / "x", "w") as archive:
        archive.writestr("/a.npy", _npy(np.ones(2)))
    return directory / "x"


def pickled_array(directory: Path) -> Path:
    with (directory / "x").open("wb") as file:
        np.savez(file, a=np.array([{"x": 1}], dtype=object))
    return directory / "x"


def _array_that_lies(directory: Path, compression: int) -> Path:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }"
    header = header.ljust(117) + b"\n"
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)
    with zipfile.ZipFile(directory / "x", "w", compression) as archive:
        archive.writestr("a.npy", data)
    return directory / "x"


def array_larger_than_its_member(directory: Path) -> Path:
    return _array_that_lies(directory, zipfile.ZIP_STORED)


def packed_array_larger_than_its_member(directory: Path) -> Path:
    return _array_that_lies(directory, zipfile.ZIP_DEFLATED)


def array_header_that_calls(directory: Path) -> Path:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (__import__('os').getpid(),), }"
    header = header.ljust(117) + b"\n"
    with zipfile.ZipFile(directory / "x", "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return directory / "x"


# --- safetensors


def _safetensors(directory: Path, header: bytes, data: bytes = b"", length: int | None = None) -> Path:
    size = len(header) if length is None else length
    (directory / "x").write_bytes(size.to_bytes(8, "little") + header + data)
    return directory / "x"


def a_header_of_four_gigabytes(directory: Path) -> Path:
    return _safetensors(directory, b"{", bytes(64), 1 << 32)


def a_header_that_nests(directory: Path) -> Path:
    return _safetensors(directory, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def tensors_that_overlap(directory: Path) -> Path:
    entry = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    return _safetensors(directory, json.dumps({"a": entry, "b": entry}).encode(), bytes(4))


def offsets_that_are_no_numbers(directory: Path) -> Path:
    entry = {"dtype": "F32", "shape": [1.5], "data_offsets": ["0", True]}
    return _safetensors(directory, json.dumps({"a": entry}).encode(), bytes(4))


def a_size_of_many_digits(directory: Path) -> Path:
    return _safetensors(
        directory, b'{"a":{"dtype":"F32","shape":[' + b"9" * 100_000 + b'],"data_offsets":[0,4]}}', bytes(4)
    )


# --- HDF5


def hdf5_link_outside(directory: Path) -> Path:
    with h5py.File(directory / "x", "w") as file:
        file["a"] = h5py.ExternalLink("/etc/passwd", "/a")
    return directory / "x"


def hdf5_data_outside(directory: Path) -> Path:
    with h5py.File(directory / "x", "w") as file:
        file.create_dataset("a", (4,), "f4", external=[("/etc/passwd", 0, 16)])
    return directory / "x"


def hdf5_virtual(directory: Path) -> Path:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (4,))
    with h5py.File(directory / "x", "w") as file:
        file.create_virtual_dataset("a", layout)
    return directory / "x"


def hdf5_groups_in_a_circle(directory: Path) -> Path:
    with h5py.File(directory / "x", "w") as file:
        file["a/w"] = np.ones(2)
        file["a/again"] = file["a"]
        file["b"] = file["/"]
        file["soft"] = h5py.SoftLink("/soft")
    return directory / "x"


def hdf5_of_a_terabyte(directory: Path) -> Path:
    """Chunks that were never written: the file is small, the values would not be."""
    with h5py.File(directory / "x", "w") as file:
        file.create_dataset("a", (1 << 38,), "f4", chunks=(1 << 20,), compression="gzip")
    return directory / "x"


# --- Graphs


def graph_that_nests(directory: Path) -> Path:
    node = b""
    for _ in range(3000):
        node = b"\x0a" + encode_varint(len(node)) + node
    (directory / "x").write_bytes(node)
    return directory / "x"


def graph_text_that_nests(directory: Path) -> Path:
    (directory / "x").write_text("node {\n" + "attr { key: 'a' value { list { " * 3000)
    return directory / "x"


def constant_of_a_terabyte(directory: Path) -> Path:
    """A constant without values stands for zeros of its shape."""
    shape = b"".join(b"\x12" + encode_varint(len(d)) + d for d in (b"\x08" + encode_varint(1 << 38),))
    tensor = b"\x08\x01" + b"\x12" + encode_varint(len(shape)) + shape
    value = b"\x42" + encode_varint(len(tensor)) + tensor
    attr = b"\x0a\x05value\x12" + encode_varint(len(value)) + value
    node = b"\x0a\x01w\x12\x05Const\x2a" + encode_varint(len(attr)) + attr
    (directory / "x").write_bytes(b"\x0a" + encode_varint(len(node)) + node)
    return directory / "x"


def keras_model_that_nests(directory: Path) -> Path:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 2), np.float32)
    outside = '{"class_name": "Sequential", "config": {"name": "s", "layers": ['
    config = outside * 400 + '{"class_name": "Dense", "config": {"name": "d"}}' + "]}}" * 400
    with zipfile.ZipFile(directory / "x", "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", stream.getvalue())
    return directory / "x"


REFUSED: dict[Attack, str] = {
    varint_without_end: "varint|outside",
    a_million_restarts: "restart points do not fit",
    snappy_bomb: "claims to unfold|damaged Snappy",
    keys_out_of_order: "not in order|entry 'b'",
    duplicate_keys: "not in order",
    handles_that_loop: "masked crc|outside|block",
    handles_beyond_the_file: "outside the file",
    shape_that_overflows: "too many elements|bytes stored",
    negative_size: "negative size",
    a_thousand_dimensions: "1000 dimensions",
    extent_beyond_the_data: "outside the file",
    extents_that_overlap: "masked crc",
    shard_of_nowhere: "shard 7 of 1",
    a_billion_shards: "1,073,741,824 shards",
    slices_that_overlap: "overlap",
    slices_with_a_gap: "6 of 8 elements",
    slices_that_are_not_there: "has no entry",
    slices_beyond_the_tensor: "of a dimension of 8",
    slices_of_another_shape: "is float32 .4.",
    a_scalar_in_slices: "a scalar in slices",
    a_hundred_thousand_missing_shards: "is missing",
    strings_that_lie: "do not fill|truncated",
    a_state_file_without_end: "state file",
    a_state_file_that_points_outside: "not there|this is",
    zip_bomb: "bytes out of",
    zip_member_twice: "occurs twice",
    zip_member_outside: "leads out of the archive",
    zip_member_absolute: "leads out of the archive",
    pickled_array: "pickle",
    array_larger_than_its_member: "bytes",
    packed_array_larger_than_its_member: "bytes",
    array_header_that_calls: "header|literal|malformed",
    a_header_of_four_gigabytes: "this is|header of",
    a_header_that_nests: "no JSON object",
    tensors_that_overlap: "overlap",
    offsets_that_are_no_numbers: "expected dtype, shape and data_offsets",
    a_size_of_many_digits: "no JSON object|header entry",
    hdf5_link_outside: "leads into another file",
    hdf5_data_outside: "other files",
    hdf5_virtual: "other files",
    hdf5_of_a_terabyte: "bytes stored",
    graph_that_nests: "this is",
    graph_text_that_nests: "this is",
    constant_of_a_terabyte: "without values",
}
"""Attacks that must be refused, and what is said of each."""

HARMLESS: tuple[Attack, ...] = (
    snappy_of_zeros,
    names_with_terminal_escapes,
    names_that_lead_out,
    objects_in_a_circle,
    objects_that_are_not_there,
    an_object_graph_of_noise,
    hdf5_groups_in_a_circle,
    keras_model_that_nests,
)
"""Attacks that may be opened, for what they try does nothing here."""
