"""Corners of the formats that no owner's default reaches: strings, orders, foreign types, many blocks, small chunks."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.containers.snappy import unfold
from ckptdoctor.containers.sstable.reader import TableReader
from ckptdoctor.containers.sstable.writer import TableWriter
from ckptdoctor.containers.varint import read_packed_varints, read_varint
from ckptdoctor.containers.wire import walk
from ckptdoctor.errors import Corrupt, FormatError
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.io.mapped_file import MappedFile
from tests.formats import oracle


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return " ".join(result.output.split())


def test_strings_go_through_npz_and_come_from_hdf5(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", bytes=np.array([[b"ab", b"c"]]), text=np.array(["ö", "xyz"]), none=np.array([], "S3"))
    checkpoint = open_checkpoint(str(tmp_path / "a.npz"))
    assert checkpoint.read("bytes").tolist() == [[b"ab", b"c"]]
    assert checkpoint.read("text").tolist() == ["ö".encode(), b"xyz"]
    run("convert", tmp_path / "a.npz", tmp_path / "bundle")
    assert oracle.read(tmp_path / "bundle")["text"].tolist() == ["ö".encode(), b"xyz"]
    run("convert", tmp_path / "bundle", tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz") as archive:
        assert archive["bytes"].tolist() == [[b"ab", b"c"]]
    with h5py.File(tmp_path / "x", "w") as file:
        file["fixed"] = np.array([b"ab", b"c"])
        file["free"] = "ö"
        file["empty"] = h5py.Empty("f4")
    found = open_checkpoint(str(tmp_path / "x"))
    assert found.read("fixed").tolist() == [b"ab", b"c"]
    assert found.read("free").tolist() == "ö".encode()
    assert "empty" not in found.inventory.entries


def test_a_string_that_numpy_would_cut_is_refused(tmp_path: Path) -> None:
    oracle.save_raw(tmp_path / "m", {"s": np.array([b"ends in zero\0"], dtype=object)})
    assert "ends with a zero byte" in run("convert", tmp_path / "m", tmp_path / "x.npz", code=2)


@pytest.mark.parametrize("kind", ["compound", "enum", "reference"])
def test_types_that_tensorflow_has_not_are_refused(kind: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x", "w") as file:
        if kind == "compound":
            file["a"] = np.zeros(2, dtype=[("x", "f4"), ("y", "i4")])
        elif kind == "enum":
            file.create_dataset("a", (2,), dtype=np.dtype("V3"))
        else:
            file.create_dataset("a", data=file["/"].ref, dtype=h5py.ref_dtype)
    with pytest.raises(FormatError, match="elements of"):
        open_checkpoint(str(tmp_path / "x"))
    if kind == "compound":
        np.savez(tmp_path / "y.npz", a=np.zeros(2, dtype=[("x", "f4")]))
        with pytest.raises(FormatError, match="elements of"):
            open_checkpoint(str(tmp_path / "y.npz"))


def test_a_damaged_chunk_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x", "w") as file:
        file.create_dataset("a", data=np.random.default_rng(0).random(5000), chunks=(1000,), compression="gzip")
        offset = file["a"].id.get_chunk_info(2).byte_offset
    data = bytearray((tmp_path / "x").read_bytes())
    data[offset : offset + 40] = bytes(40)
    (tmp_path / "x").write_bytes(data)
    checkpoint = open_checkpoint(str(tmp_path / "x"))
    with pytest.raises(Corrupt, match="dataset 'a'"):
        checkpoint.read("a")
    assert len(checkpoint.verify(lambda size: None)) == 1


def test_a_keras_archive_says_what_it_lacks(tmp_path: Path) -> None:
    def archive(**members: bytes) -> Path:
        with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
            for name, data in members.items():
                file.writestr(name.replace("__", "."), data)
        return tmp_path / "m.keras"

    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 2), np.float32)
    for members, said in (
        ({"config__json": b"{}", "model__weights__npz": b""}, "Keras itself does not load"),
        ({"config__json": b"{}", "metadata__json": b"{", "model__weights__h5": stream.getvalue()}, "is no JSON"),
        ({"saved_model__pb": b""}, "Unpack it first"),
        ({"readme": b""}, "without weights"),
    ):
        assert said in run("inspect", archive(**members), code=3)


def test_sharded_weights_that_lie(tmp_path: Path) -> None:
    index = tmp_path / "m.weights.json"
    with h5py.File(tmp_path / "a.weights.h5", "w") as file:
        file["layers/dense/vars/0"] = np.ones((2, 2), np.float32)
    for text, said in (
        ('{"weight_map": {"/x": "../a.weights.h5"}}', "no file beside it"),
        ('{"weight_map": {"/x/vars": "a.weights.h5"}}', "no shard holds"),
        ('{"weight_map": {"/x/vars": "b.weights.h5"}}', "missing b.weights.h5"),
        ('{"weight_map": {"/x/vars": "a.weights.h5"', "is no table of files"),
    ):
        index.write_text(text)
        assert said in run("inspect", index, code=3)
    index.write_text('{"weight_map": {"/layers/dense/vars": "a.weights.h5"}}')
    assert open_checkpoint(str(index)).read("layers/dense/vars/0").tolist() == [[1, 1], [1, 1]]


def test_sharded_safetensors_that_lie(tmp_path: Path) -> None:
    index = tmp_path / "m.safetensors.index.json"
    np.savez(tmp_path / "a.npz", w=np.ones(2))
    run("convert", tmp_path / "a.npz", tmp_path / "a.safetensors")
    for text, said in (
        ('{"weight_map": {"v": "a.safetensors"}}', "does not hold 'v'"),
        ('{"x": 1, "weight_map": [1]}', "no table of files"),
    ):
        index.write_text(text)
        assert said in run("inspect", index, code=3)


def test_a_table_of_many_blocks_is_found_by_every_key(tmp_path: Path) -> None:
    rows = {
        f"{'k' * (n % 7)}{n:06d}{chr(97 + n % 26) * (n % 90)}".encode(): bytes([n % 251]) * (n % 700)
        for n in range(6000)
    }
    rows |= {b"\xff": b"a", b"\xff\xff": b"b", b"\xff\xff\x01": b"c"}
    stream = io.BytesIO()
    table = TableWriter(stream)
    for key in sorted(rows):
        table.add(key, rows[key])
    table.finish()
    (tmp_path / "t").write_bytes(stream.getvalue())
    reader = TableReader(MappedFile(tmp_path / "t"))
    assert dict(reader.rows()) == rows
    assert {key: bytes(value) for key, value in reader} == rows
    for key in list(rows)[::97]:
        assert bytes(reader.get(key, check=True) or b"") == rows[key]
        assert reader.get(key + b"\0") is None
    assert reader.get(b"\xff\xff\xff\xff") is None
    assert sum(reader.verify()) > 2_000_000


def test_v1_shards_that_disagree_are_refused(tmp_path: Path) -> None:
    for number, shape in enumerate(((2, 3), (3, 2))):
        path = oracle.save(tmp_path / f"s{number}", {"w": np.ones(shape, np.float32)}, version=1)
        Path(path).rename(tmp_path / f"m-{number:05d}-of-00002")
    with pytest.raises(FormatError, match=r"in an earlier shard|overlap"):
        open_checkpoint(str(tmp_path / "m"))


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (lambda data: read_varint(data, 0), b"\xff" * 9 + b"\x7f"),
        (lambda data: read_packed_varints(memoryview(data)), b"\x01\x80"),
        (lambda data: read_packed_varints(memoryview(data)), b"\x80" * 12 + b"\x01"),
        (lambda data: list(walk(memoryview(data), 0, len(data))), b"\x0b"),
        (lambda data: list(walk(memoryview(data), 0, len(data))), b"\x0d\x01"),
        (lambda data: list(walk(memoryview(data), 0, len(data))), b"\x09\x01"),
        (lambda data: unfold(memoryview(data)), b"\x05\x00"),
        (lambda data: unfold(memoryview(data)), b"\x80\x80\x04\x00a"),
    ],
)
def test_small_encodings_are_checked(read: object, data: bytes) -> None:
    with pytest.raises(ValueError):
        read(data)  # type: ignore[operator]


def test_empty_varints() -> None:
    assert read_packed_varints(memoryview(b"")).size == 0


@pytest.mark.parametrize("chunk", [8, 24, 64, 1 << 20])
@pytest.mark.parametrize(
    "options",
    [
        ["--kernels", "tensorflow:pytorch"],
        ["--kernels", "tensorflow:theano", "--dtype", "float64"],
        ["--dtype", "float16"],
        ["--partition", "a/kernel=2@1", "--partition", "b/kernel=3"],
        ["--depthwise-to-conv", "--only", "a/*"],
    ],
    ids=" ".join,
)
def test_the_size_of_a_chunk_changes_nothing(
    chunk: int, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row by row or at once: what is computed is the same, bit for bit."""
    rng = np.random.default_rng(0)
    values = {
        "a/kernel": rng.standard_normal((3, 3, 4, 5)),
        "b/kernel": rng.standard_normal((7, 6)),
        "c": np.float32(2),
    }
    np.savez(tmp_path / "a.npz", **{key: np.asarray(value, np.float32) for key, value in values.items()})
    run("convert", tmp_path / "a.npz", tmp_path / "cut", "--partition", "b/kernel=3@1")
    run("convert", tmp_path / "a.npz", tmp_path / "whole", *options)
    monkeypatch.setattr("ckptdoctor.ops.elements.COPY_CHUNK", chunk)
    monkeypatch.setattr("ckptdoctor.ops.elements._TOUCHED", chunk)
    for source in ("a.npz", "cut"):
        run("convert", tmp_path / source, tmp_path / "parts", *options, "--force")
        expected, found = oracle.read(tmp_path / "whole"), oracle.read(tmp_path / "parts")
        assert {key: value.tobytes() for key, value in found.items()} == {
            key: value.tobytes() for key, value in expected.items()
        }


def test_a_configuration_that_is_no_text_is_read_over(tmp_path: Path) -> None:
    """h5py gives bytes that are no UTF-8 as surrogates, which do not encode."""
    import h5py

    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.attrs.create("model_config", b'{"dim_ordering": "th", "name": "\xff"}', dtype=h5py.string_dtype())
        group = file.create_group("dense")
        group.attrs["weight_names"] = [b"dense/kernel:0"]
        group["dense/kernel:0"] = np.ones((2, 3), np.float32)
    inventory = open_checkpoint(str(path)).inventory
    assert any("dim_ordering th" in note for note in inventory.notes)
