"""An opened checkpoint against TensorFlow's own reader, and what happens where there is nothing to read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ckptdoctor
from ckptdoctor.formats import slices
from tests.api.made import PARTITIONED, VALUES, bundle
from tests.conftest import ROOT

V1 = ROOT / "tests" / "fixtures" / "classifier.ckpt"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("opened"))


def test_every_value_is_what_tensorflow_reads(saved: Path) -> None:
    import tensorflow as tf

    for path in (saved, V1):
        reader = tf.train.load_checkpoint(str(path))
        with ckptdoctor.open(path) as ckpt:
            assert dict(ckpt.items()).keys() == reader.get_variable_to_shape_map().keys()
            assert len(ckpt) == len(list(ckpt)) == len(ckpt.keys())
            for key, tensor in ckpt.items():
                expected = np.asarray(reader.get_tensor(key))
                assert tensor.key == key
                assert tensor.shape == tuple(reader.get_variable_to_shape_map()[key])
                assert tensor.ndim == len(tensor.shape)
                assert tensor.size == expected.size
                if expected.dtype.kind in "SO":
                    assert tensor.dtype == object
                    assert tensor[...].reshape(-1).tolist() == expected.reshape(-1).tolist()
                    continue
                assert tensor.dtype == expected.dtype == tensor[...].dtype
                assert tensor.nbytes == expected.nbytes
                for values in (tensor.numpy(), tensor[...], np.asarray(tensor), np.array(tensor)):
                    assert values.tobytes() == expected.tobytes()
                    assert values.shape == expected.shape


@pytest.mark.parametrize(
    "index",
    [
        (slice(None, 3),), (slice(2, None, 2),), (slice(None, None, -1),), (slice(5, 1, -2),), (slice(9, 99),), (slice(4, 2),),
        (0,), (-1,), (np.int64(3),), (slice(1, 6), slice(2, 3)), (2, slice(None, None, 2)), (-3, -1), (Ellipsis, 1), ([5, 0, 5],),
    ],
    ids=str,
)  # fmt: skip
def test_an_index_is_numpys(saved: Path, index: tuple[object, ...]) -> None:
    with ckptdoctor.open(saved) as ckpt:
        for key in ("matrix", PARTITIONED):
            expected = VALUES[key][index if len(index) > 1 else index[0]]  # type: ignore[index]
            found = ckpt[key][index if len(index) > 1 else index[0]]
            assert found.shape == expected.shape, key
            assert found.tolist() == expected.tolist(), key


@pytest.mark.parametrize("index", [6, -7, (0, 99), (0, 0, 0)], ids=str)
def test_an_index_outside_is_an_index_error(saved: Path, index: object) -> None:
    with ckptdoctor.open(saved) as ckpt:
        for key in ("matrix", PARTITIONED):
            with pytest.raises(IndexError):
                ckpt[key][index]


def test_only_the_slices_of_the_rows_are_put_together(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    original = slices.assemble_rows

    def counted(spec, pieces, start, stop):  # type: ignore[no-untyped-def]
        rows.append(stop - start)
        return original(spec, pieces, start, stop)

    monkeypatch.setattr(slices, "assemble_rows", counted)
    with ckptdoctor.open(saved) as ckpt:
        assert ckpt[PARTITIONED][1:3].tolist() == VALUES[PARTITIONED][1:3].tolist()
        assert ckpt[PARTITIONED][-1].tolist() == VALUES[PARTITIONED][-1].tolist()
    assert rows == [2, 1]


def test_what_is_read_is_ones_own_and_a_view_is_read_only(saved: Path) -> None:
    with ckptdoctor.open(saved) as ckpt:
        for values in (ckpt["matrix"][...], ckpt["matrix"].numpy(), ckpt["matrix"][:2], np.array(ckpt["matrix"])):
            values[0, 0] = 99
        view = np.asarray(ckpt["matrix"])
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 99
        assert ckpt["matrix"][...].tolist() == VALUES["matrix"].tolist()
        assert np.asarray(ckpt["matrix"], dtype=np.float64).dtype == np.float64
    # The mapping lives as long as the view does.
    assert view.tolist() == VALUES["matrix"].tolist()


def test_bfloat16_and_strings_have_values(saved: Path) -> None:
    with ckptdoctor.open(saved) as ckpt:
        assert ckpt["half"].dtype.name == "bfloat16"
        assert ckpt["half"][1:].astype(np.float32).tolist() == [-2.5, 0.125]
        assert ckpt["words"].dtype == object
        assert ckpt["words"][1] == b"\xff\x00"
        assert ckpt["words"].nbytes == 0
        assert ckpt["scalar"][()] == 7
        with pytest.raises(TypeError, match="scalar"):
            len(ckpt["scalar"])


def test_an_unknown_key_is_a_key_error_that_suggests(saved: Path) -> None:
    with ckptdoctor.open(saved) as ckpt:
        assert "matrix" in ckpt
        assert "matrx" not in ckpt
        assert ckpt.get("matrx") is None
        with pytest.raises(KeyError, match="Did you mean matrix") as caught:
            ckpt["matrx"]
        assert isinstance(caught.value, ckptdoctor.CkptDoctorError)
        assert caught.value.hint
        with pytest.raises(ckptdoctor.UnknownKey):
            ckpt[3]  # type: ignore[index]


def test_a_closed_checkpoint_says_so_and_what_was_read_stays(saved: Path) -> None:
    with ckptdoctor.open(saved) as ckpt:
        tensor, values = ckpt["matrix"], ckpt["matrix"][...]
    assert ckpt.closed
    assert "closed" in repr(ckpt)
    assert values.tolist() == VALUES["matrix"].tolist()
    assert tensor.shape == (6, 4)  # what is known without reading stays known
    for use in (
        lambda: ckpt["matrix"],
        lambda: tensor[...],
        lambda: np.asarray(tensor),
        lambda: ckpt.inventory,
        ckpt.__enter__,
        lambda: ckptdoctor.diff(saved, ckpt),
        lambda: ckptdoctor.contents(ckpt),
        lambda: ckptdoctor.verify(ckpt),
        lambda: ckptdoctor.save(saved.with_name("never.npz"), {"a": tensor}),
    ):
        with pytest.raises(ckptdoctor.UsageError, match="is closed"):
            use()
    assert not saved.with_name("never.npz").exists()


def test_reprs_are_short(saved: Path) -> None:
    with ckptdoctor.open(saved) as ckpt:
        assert len(repr(ckpt)) < 200
        assert repr(ckpt["matrix"]) == "<tensor 'matrix': float32 [6,4]>"
        assert len(repr(ckptdoctor.contents(ckpt))) < 200
        text = str(ckptdoctor.contents(ckpt))
    assert "matrix [6,4] float32" in text
    assert "\x1b" not in text


def test_nothing_is_printed_and_nothing_there_is_an_error(
    saved: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with ckptdoctor.open(saved):
        pass
    with pytest.raises(ckptdoctor.FormatError, match="there is no such checkpoint") as caught:
        ckptdoctor.open(tmp_path / "nothing.ckpt")
    assert caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_values_of_other_formats_are_their_owners(tmp_path: Path) -> None:
    import h5py

    array = np.arange(24, dtype=np.float32).reshape(6, 4) * 0.5 - 3
    np.savez(tmp_path / "plain.npz", a=array)
    np.savez_compressed(tmp_path / "packed.npz", a=array)
    with h5py.File(tmp_path / "chunked.h5", "w") as file:
        file.create_dataset("a", data=array, chunks=(2, 4), compression="gzip")
    for name in ("plain.npz", "packed.npz", "chunked.h5"):
        with ckptdoctor.open(tmp_path / name) as ckpt:
            assert ckpt["a"][1:3].tolist() == array[1:3].tolist()
            assert ckpt["a"].numpy().tolist() == array.tolist()
    with h5py.File(tmp_path / "chunked.h5", "r+") as file:  # HDF5 locks what is open
        file["a"][0, 0] = 42.0
    with ckptdoctor.open(tmp_path / "chunked.h5") as ckpt:
        assert ckpt["a"][0, 0] == 42.0
