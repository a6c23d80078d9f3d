"""Reading what TensorFlow wrote, and TensorFlow reading what we wrote."""

from __future__ import annotations

import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import CkptDoctorError, Corrupt, MissingData, OutputError
from ckptdoctor.executor.convert import convert
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.target import TargetOptions
from ckptdoctor.formats.tensor_bundle.reader import TensorBundle
from ckptdoctor.formats.tensor_bundle.writer import write_index
from ckptdoctor.io.atomic_output import AtomicOutput
from tests.formats import oracle

NUMPY_TYPES = [
    *("float32", "float64", "int32", "uint8", "int16", "int8", "complex64", "int64", "bool", "uint16", "complex128"),
    *("float16", "uint32", "uint64"),
]
EXTENDED = [ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fn, ml_dtypes.int4, ml_dtypes.uint4]


def values(dtypes: list[str]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    made = {}
    for dtype in dtypes:
        made[f"{dtype}/matrix"] = (rng.standard_normal((3, 5)) * 50).astype(dtype)
        made[f"{dtype}/scalar"] = np.array(3, dtype=dtype)
        made[f"{dtype}/empty"] = np.zeros((0, 4), dtype=dtype)
    return made


def assert_same(checkpoint: Checkpoint, expected: dict[str, np.ndarray]) -> None:
    assert set(checkpoint.inventory.entries) == set(expected)
    for key, want in expected.items():
        got = checkpoint.read(key)
        assert got.shape == want.shape, key
        if got.dtype == object:
            assert got.tolist() == want.tolist()
        else:
            assert got.dtype == want.dtype, key
            assert got.tobytes() == want.tobytes(), key


def copy(source: Checkpoint, prefix: Path) -> str:
    """Tensor by tensor: a limit for the shards keeps the source's from being taken over whole."""
    options = TargetOptions(max_shard_size=1 << 40)
    return convert(source, Plan(source.inventory.source, ()), str(prefix), options=options).prefix


def test_every_dtype_of_a_bundle(tmp_path: Path) -> None:
    expected = values(NUMPY_TYPES)
    for kind in EXTENDED:
        expected[np.dtype(kind).name] = np.arange(-4 if "u" not in np.dtype(kind).name else 0, 4).astype(kind)
    oracle.save_raw(tmp_path / "m", expected)
    checkpoint = open_checkpoint(str(tmp_path / "m"))
    assert_same(checkpoint, expected)
    assert checkpoint.verify(lambda size: None) == []


def test_every_dtype_of_a_v1_file(tmp_path: Path) -> None:
    import tensorflow as tf

    expected = {}
    for name, value in values(NUMPY_TYPES).items():
        dtype = name.split("/")[0]
        if dtype in ("uint16", "uint32", "uint64"):
            continue  # TensorFlow does not write them into V1 files
        expected[name] = value
    expected["negative"] = np.array([-1, -(2**31), 2**31 - 1], dtype=np.int32)
    expected["wide"] = np.array([-1, -(2**63), 2**63 - 1], dtype=np.int64)
    expected["text"] = np.array([b"one", b"", b"\xff\x00"], dtype=object)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tensors = [tf.constant(value) for value in expected.values()]
        session.run(tf.raw_ops.Save(filename=str(tmp_path / "v1.ckpt"), tensor_names=list(expected), data=tensors))
    checkpoint = open_checkpoint(str(tmp_path / "v1.ckpt"))
    assert checkpoint.inventory.format == "TensorFlow V1"
    assert_same(checkpoint, expected)
    assert checkpoint.verify(lambda size: None) == []
    assert_same(open_checkpoint(copy(checkpoint, tmp_path / "v2")), expected)
    for key, value in oracle.read(tmp_path / "v2").items():
        assert value.reshape(-1).tolist() == expected[key].reshape(-1).tolist()


def test_strings_of_a_bundle_come_and_go(tmp_path: Path) -> None:
    expected = {
        "s": np.array([[b"", b"a" * 300], [b"\x00\xff", b"x"]], dtype=object),
        "one": np.array(b"z", dtype=object),
    }
    oracle.save_raw(tmp_path / "m", {"one": b"z", "s": expected["s"].tolist()})
    checkpoint = open_checkpoint(str(tmp_path / "m"))
    assert_same(checkpoint, expected)
    # Of a V1 file strings are read and encoded; of a bundle their bytes are copied.
    oracle.save(tmp_path / "old", {key: value.tolist() for key, value in expected.items()}, version=1)
    convert(open_checkpoint(str(tmp_path / "old")), Plan("old", ()), str(tmp_path / "again"))
    for suffix in (".index", ".data-00000-of-00001"):
        assert (tmp_path / f"again{suffix}").read_bytes() == (tmp_path / f"m{suffix}").read_bytes()


@pytest.mark.parametrize("version", [1, 2])
def test_partitioned_variables_are_assembled(tmp_path: Path, version: int) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    whole = np.arange(60, dtype=np.float32).reshape(10, 6)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable(
            "table", initializer=tf.constant(whole), partitioner=v1.fixed_size_partitioner(3), use_resource=False
        )
        session.run(v1.global_variables_initializer())
        v1.train.Saver(write_version=version).save(session, str(tmp_path / "p"))
    checkpoint = open_checkpoint(str(tmp_path / "p"))
    entry = checkpoint.inventory.entries["table"]
    assert len(entry.slices) == 3
    assert_same(checkpoint, {"table": whole})
    assert checkpoint.verify(lambda size: None) == []
    copy(checkpoint, tmp_path / "whole")
    assert oracle.read(tmp_path / "whole")["table"].tobytes() == whole.tobytes()


@pytest.mark.parametrize("count", [1, 33, 5000])
def test_an_unchanged_index_is_byte_identical_to_tensorflows(tmp_path: Path, count: int) -> None:
    oracle.save_raw(tmp_path / "m", {f"layer_{i:05}/weights": np.zeros((i % 3,), np.float32) for i in range(count)})
    source = TensorBundle(str(tmp_path / "m"))
    convert(source, Plan("m", ()), str(tmp_path / "n"))
    copy(source, tmp_path / "o")
    for prefix in ("n", "o"):
        for suffix in (".index", ".data-00000-of-00001"):
            assert (tmp_path / f"{prefix}{suffix}").read_bytes() == (tmp_path / f"m{suffix}").read_bytes()


@pytest.mark.parametrize("partitions", [1, 4])
def test_an_unchanged_index_of_several_shards_is_byte_identical(tmp_path: Path, partitions: int) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session(config=v1.ConfigProto(device_count={"CPU": 2})) as session:
        for number in range(2):
            with tf.device(f"/cpu:{number}"):
                v1.get_variable(
                    f"w{number}",
                    initializer=tf.ones((64, 3)) * number,
                    partitioner=v1.fixed_size_partitioner(partitions),
                    use_resource=False,
                )
        session.run(v1.global_variables_initializer())
        v1.train.Saver(sharded=True).save(session, str(tmp_path / "m"))
    source = TensorBundle(str(tmp_path / "m"))
    assert len(source.shards) == 2
    assert_same(source, {f"w{number}": np.full((64, 3), number, np.float32) for number in range(2)})
    convert(source, Plan("m", ()), str(tmp_path / "n"), link=True)
    assert (tmp_path / "n.index").read_bytes() == (tmp_path / "m.index").read_bytes()
    assert (tmp_path / "n.data-00001-of-00002").samefile(tmp_path / "m.data-00001-of-00002")


def test_a_big_endian_bundle_is_read_in_native_order(tmp_path: Path) -> None:
    """TensorFlow's reader swaps such bundles too; here one is made by swapping a bundle of TensorFlow's."""
    expected = values(["float32", "int64", "complex64", "float16"])
    expected["bf"] = np.arange(4).astype(ml_dtypes.bfloat16)
    swapped = {}
    for key, value in expected.items():
        unit = value.dtype.itemsize // 2 if value.dtype.kind == "c" else value.dtype.itemsize
        raw = np.frombuffer(value.tobytes(), np.uint8).reshape(-1, unit)[:, ::-1]
        swapped[key] = np.frombuffer(raw.tobytes(), value.dtype).reshape(value.shape)
    oracle.save_raw(tmp_path / "m", swapped)
    from ckptdoctor.containers.tensorflow_messages import BundleHeaderProto

    little = TensorBundle(str(tmp_path / "m"))
    entries = {key.encode(): little.record(key).value for key in expected}
    header = BundleHeaderProto.FromString(little.header.SerializeToString())
    header.endianness = 1
    with AtomicOutput(force=True) as output:
        write_index(tmp_path / "m.index", header, entries, output)
        output.commit()
    assert_same(open_checkpoint(str(tmp_path / "m")), expected)
    assert oracle.read(tmp_path / "m")["float32/matrix"].tobytes() == expected["float32/matrix"].tobytes()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("small")
    oracle.save_raw(
        directory / "m", {"a/w": np.arange(6, dtype=np.float32), "b": np.array(b"text", dtype=object).item()}
    )
    oracle.save(directory / "v1.ckpt", {"a/w": np.arange(6, dtype=np.float32), "n": np.arange(9)}, version=1)
    return directory


@pytest.mark.parametrize("name", ["m.index", "v1.ckpt"])
def test_every_truncation_is_an_error(small: Path, tmp_path: Path, name: str) -> None:
    whole = (small / name).read_bytes()
    for size in range(len(whole)):
        (tmp_path / name).write_bytes(whole[:size])
        with pytest.raises(CkptDoctorError):
            open_checkpoint(str(tmp_path / name))


@pytest.mark.parametrize("name", ["m.index", "v1.ckpt", "m.data-00000-of-00001"])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_flipped_byte_is_found_and_none_crashes(
    small: Path, tmp_path: Path, name: str, data: st.DataObject
) -> None:
    for file in small.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = bytearray((small / name).read_bytes())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] ^= data.draw(st.integers(1, 255))
    (tmp_path / name).write_bytes(whole)
    try:
        checkpoint = open_checkpoint(str(tmp_path / name))
        found = checkpoint.verify(lambda size: None)
    except CkptDoctorError:
        return
    # Only the padding of a footer is covered by no checksum.
    in_footer = name != "m.data-00000-of-00001" and position >= len(whole) - 48
    assert found or in_footer


def test_a_lying_size_is_refused_before_anything_is_allocated(small: Path, tmp_path: Path) -> None:
    source = TensorBundle(str(small / "m"))
    entry = source.record("a/w").proto
    entry.shape.dim[0].size = 1 << 60
    with AtomicOutput() as output:
        write_index(tmp_path / "m.index", source.header, {b"a/w": entry.SerializeToString()}, output)
        output.commit()
    with pytest.raises(Corrupt, match="24 bytes stored"):
        open_checkpoint(str(tmp_path / "m"))


def test_found_by_every_name(small: Path, tmp_path: Path) -> None:
    for file in small.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/gone/elsewhere/m"\nunknown_field: 3\n')
    for name in ("m", "m.index", "m.data-00000-of-00001", "", "checkpoint"):
        assert "a/w" in open_checkpoint(str(tmp_path / name)).inventory.entries
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "v1.ckpt"\n')
    assert "n" in open_checkpoint(str(tmp_path)).inventory.entries


def test_an_empty_stem_is_a_prefix(tmp_path: Path) -> None:
    oracle.save_raw(tmp_path / "x", {"w": np.ones(3, np.float32)})
    (tmp_path / "d").mkdir()
    (tmp_path / "x.index").rename(tmp_path / "d" / ".index")
    (tmp_path / "x.data-00000-of-00001").rename(tmp_path / "d" / ".data-00000-of-00001")
    for name in ("d", "d/", "d/.index", "d/.data-00000-of-00001"):
        assert open_checkpoint(f"{tmp_path}/{name}").read("w").tolist() == [1, 1, 1]


def test_a_sharded_v1_checkpoint_is_one(tmp_path: Path) -> None:
    oracle.save(tmp_path / "s-00000-of-00002", {"a": np.ones(3, np.float32)}, version=1)
    oracle.save(tmp_path / "s-00001-of-00002", {"b": np.ones(2, np.float32)}, version=1)
    checkpoint = open_checkpoint(str(tmp_path / "s"))
    assert_same(checkpoint, oracle.read(f"{tmp_path}/s-?????-of-00002"))
    (tmp_path / "s-00000-of-00002").unlink()
    with pytest.raises(MissingData, match="s-00000-of-00002"):
        open_checkpoint(str(tmp_path / "s"))


def test_nothing_is_overwritten_and_nothing_is_left_half_written(small: Path, tmp_path: Path) -> None:
    source = open_checkpoint(str(small / "m"))
    copy(source, tmp_path / "out")
    with pytest.raises(OutputError, match="exists"):
        copy(source, tmp_path / "out")
    damaged = tmp_path / "d"
    damaged.mkdir()
    for file in small.glob("m.*"):
        (damaged / file.name).write_bytes(file.read_bytes())
    data = bytearray((damaged / "m.data-00000-of-00001").read_bytes())
    data[0] ^= 1
    (damaged / "m.data-00000-of-00001").write_bytes(data)
    with pytest.raises(Corrupt, match="masked crc"):
        copy(open_checkpoint(str(damaged / "m")), tmp_path / "never" / "out")
    assert list((tmp_path / "never").iterdir()) == []


def test_the_footer_magic_is_leveldbs(small: Path) -> None:
    assert struct.unpack("<Q", (small / "m.index").read_bytes()[-8:]) == (0xDB4775248B80FB57,)
