"""What is fuzzed: a function a reader, from bytes. Only a CkptDoctorError may come out of one, within these limits."""

from __future__ import annotations

import io
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import safetensors.numpy

from ckptdoctor.containers.sstable.reader import TableReader
from ckptdoctor.containers.sstable.writer import TableWriter
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.io.mapped_file import MappedFile
from tests.conftest import SHARED

SECONDS = 10.0
"""How long one input may take."""

_LARGEST_SEED = 64 << 10
_PLACE = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _values() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {"a/kernel": rng.standard_normal((3, 4)).astype(np.float32), "a/n": np.arange(5), "b": np.float32(1)}


def _look(path: Path) -> None:
    checkpoint = open_checkpoint(str(path))
    checkpoint.verify(lambda size: None)
    for key in checkpoint.inventory.entries:
        with suppress(CkptDoctorError):
            checkpoint.read(key)
            checkpoint.stored(key)


def _one_file(data: bytes, name: str = "x") -> None:
    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        path = Path(directory) / name
        path.write_bytes(data)
        _look(path)
        assert [found.name for found in Path(directory).iterdir()] == [name], "something was written"


def single_file(data: bytes) -> None:
    """Whatever the content says that it is."""
    _one_file(data)


def bundle_index(data: bytes) -> None:
    """An index beside data that is whole."""
    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        (Path(directory) / "m.index").write_bytes(data)
        (Path(directory) / "m.data-00000-of-00001").write_bytes(_bundle()[1])
        _look(Path(directory) / "m")


def bundle_data(data: bytes) -> None:
    """Data beside an index that is whole."""
    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        (Path(directory) / "m.index").write_bytes(_bundle()[0])
        (Path(directory) / "m.data-00000-of-00001").write_bytes(data)
        _look(Path(directory) / "m")


def _rows(data: bytes) -> list[tuple[bytes, bytes]]:
    """Keys and values, each behind its length."""
    stream = io.BytesIO(data)
    rows = {}
    while head := stream.read(3):
        key = stream.read(head[0])
        rows[key] = stream.read(int.from_bytes(head[1:], "little"))
    return sorted(rows.items())


def _table(data: bytes) -> bytes:
    """A table of these entries, its checksums right: what is damaged is inside."""
    stream = io.BytesIO()
    table = TableWriter(stream)
    for key, value in _rows(data):
        table.add(key, value)
    table.finish()
    return stream.getvalue()


def bundle_entries(data: bytes) -> None:
    """Entries of an index whose checksums are right."""
    bundle_index(_table(data))


def v1_entries(data: bytes) -> None:
    """Entries of a V1 file whose checksums are right."""
    _one_file(_table(data), "model.ckpt")


def state_file(data: bytes) -> None:
    """A `checkpoint` file."""
    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        (Path(directory) / "checkpoint").write_bytes(data)
        open_checkpoint(directory)


def object_graph(data: bytes) -> None:
    """The bytes of an object graph, and what is told from them."""
    from ckptdoctor.formats.object_graph import decode_objects, described, encode_objects

    try:
        graph = decode_objects(data)
    except ValueError:
        return
    described({}, graph)
    assert decode_objects(encode_objects(graph)) == graph


def meta_graph(data: bytes) -> None:
    """A `.meta` file."""
    from ckptdoctor.graphs.meta_graph import read_meta_graph

    _graph(data, read_meta_graph)


def saved_model(data: bytes) -> None:
    """A `saved_model.pb`."""
    from ckptdoctor.graphs.saved_model import read_saved_model

    _graph(data, read_saved_model)


def _graph(data: bytes, read: Callable[[Path], object]) -> None:
    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        path = Path(directory) / "x"
        path.write_bytes(data)
        read(path)


def keras_config(data: bytes) -> None:
    """The configuration of a Keras model."""
    from ckptdoctor.graphs.keras_config import layers_before, read_keras_model
    from ckptdoctor.specs.dtype import dtype_from_name
    from ckptdoctor.specs.inventory import Entry, Family, Inventory
    from ckptdoctor.specs.tensor import TensorSpec

    spec = TensorSpec(dtype_from_name("float32"), (3, 4))
    entries = {key: Entry(key, spec, name="dense/kernel") for key in ("layers/dense/vars/0", "x/y/kernel")}
    inventory = Inventory("x", "Keras 3", Family.KERAS, (), entries, config=data.decode("utf-8", "replace"))
    layers_before(inventory)
    read_keras_model(inventory)


def plan_file(data: bytes) -> None:
    """A plan."""
    from ckptdoctor.conversion.plan_file import read_plan

    for suffix in ("toml", "json"):
        with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
            path = Path(directory) / f"plan.{suffix}"
            path.write_bytes(data)
            with suppress(CkptDoctorError):
                read_plan(path)


def lock_file(data: bytes) -> None:
    """A lock, and the check of a checkpoint against it."""
    from ckptdoctor.repository.lock_file import NAME, differences, read_lock

    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        path = Path(directory) / NAME
        path.write_bytes(data)
        for locked in read_lock(path).checkpoints:
            differences(locked, None)


def block(data: bytes) -> None:
    """A block of a table."""
    from ckptdoctor.containers.sstable.block import read_entries

    with suppress(ValueError):
        for _ in read_entries(memoryview(data)):
            pass


@cache
def _bundle() -> tuple[bytes, bytes]:
    from tests.formats import oracle

    with tempfile.TemporaryDirectory() as directory:
        oracle.save_raw(Path(directory) / "m", {**_values(), "text": np.array([b"ab", b""], dtype=object)})
        return tuple((Path(directory) / name).read_bytes() for name in ("m.index", "m.data-00000-of-00001"))  # type: ignore[return-value]


def _npz(save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, **_values())
    return stream.getvalue()


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, {**_values(), "s": np.array(["x", "yy"])}, allow_pickle=True)
    return stream.getvalue()


def _hdf5() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for key, value in _values().items():
            file[key] = value
    return stream.getvalue()


def _v1() -> bytes:
    from tests.formats import oracle

    with tempfile.TemporaryDirectory() as directory:
        return Path(oracle.save(Path(directory) / "m", _values(), version=1)).read_bytes()


def _entries(table: bytes) -> bytes:
    with tempfile.NamedTemporaryFile(dir=_PLACE) as file:
        file.write(table)
        file.flush()
        rows = list(TableReader(MappedFile(Path(file.name))).rows())
    return b"".join(bytes([len(key)]) + len(value).to_bytes(2, "little") + key + value for key, value in rows)


def _real(*patterns: str) -> Iterator[bytes]:
    for pattern in patterns:
        for path in sorted((SHARED / "real").rglob(pattern)):
            if path.is_file() and 0 < path.stat().st_size <= _LARGEST_SEED:
                yield path.read_bytes()


CONFIG = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "layers": [
            {
                "class_name": "Dense",
                "config": {"name": "dense", "units": 4},
                "build_config": {"input_shape": [None, 3]},
            },
            {"class_name": "Conv2D", "config": {"strides": [1, 1]}, "inbound_nodes": [[["dense", 0, 0, {}]]]},
        ]
    },
}
PLAN = b'schema = "ckptdoctor.conversion/1"\n[[step]]\nop = "rows"\nkey = "a"\nrows = [1, 0]\n[[step]]\nop = "drop"\nkey = "b"\n'

Seeds = Callable[[], list[bytes]]
TARGETS: dict[Callable[[bytes], None], Seeds] = {
    single_file: lambda: [
        _npz(np.savez),
        _npz(np.savez_compressed),
        _npy(),
        _hdf5(),
        _v1(),
        safetensors.numpy.save({key: np.asarray(value) for key, value in _values().items()}),
        *_real("*.keras", "*.h5", "model.ckpt", "*.pb"),
    ],
    bundle_index: lambda: [_bundle()[0], *_real("*.index")],
    bundle_data: lambda: [_bundle()[1]],
    bundle_entries: lambda: [_entries(_bundle()[0])],
    v1_entries: lambda: [_entries(_v1())],
    state_file: lambda: [b'model_checkpoint_path: "m"\nall_model_checkpoint_paths: "m"\n', *_real("checkpoint")],
    object_graph: lambda: [b"\n\x0c\n\x05\x08\x01\x12\x01a\x1a\x03\x08\x01\x12\n\x00", *_object_graphs()],
    meta_graph: lambda: list(_real("*.meta")) or [b"\x12\x04\n\x02\n\x00"],
    saved_model: lambda: list(_real("saved_model.pb")) or [b"\x08\x01\x12\x02\n\x00"],
    keras_config: lambda: [json.dumps(CONFIG).encode()],
    plan_file: lambda: [
        PLAN,
        json.dumps({"schema": "ckptdoctor.conversion/1", "step": [{"op": "drop", "key": "a"}]}).encode(),
    ],
    lock_file: lambda: [_lock()],
    block: lambda: [b"\0\1\1ab\1\1\1cd\0\0\0\0\1\0\0\0", _bundle()[0]],
}
"""Each target, and the files that it starts from."""


def _lock() -> bytes:
    from ckptdoctor.repository.lock_file import lock_checkpoint, lock_text

    with tempfile.TemporaryDirectory(dir=_PLACE) as directory:
        path = Path(directory) / "x.npz"
        path.write_bytes(_npz(np.savez))
        inventory = open_checkpoint(str(path)).inventory
        return lock_text([lock_checkpoint("x.npz", inventory)]).encode()


def _object_graphs() -> Iterator[bytes]:
    from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY

    for index in sorted((SHARED / "real").rglob("ck*.index"))[:6]:
        with suppress(CkptDoctorError, KeyError):
            yield bytes(open_checkpoint(str(index)).read(OBJECT_GRAPH_KEY).reshape(-1)[0])


def run(target: Callable[[bytes], None], data: bytes) -> None:
    """One execution, held to its limits."""
    start = time.monotonic()
    with suppress(CkptDoctorError):
        target(data)
    taken = time.monotonic() - start
    assert taken < SECONDS, f"{target.__name__} took {taken:.1f} s"
