"""Any key and any index: what is saved is read by us and by the owner, or refused; elements are those that NumPy gives."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file

import ckptdoctor
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY
from tests.api.made import bundle

KEYS = st.lists(
    st.one_of(
        st.text(min_size=1, max_size=8),
        st.sampled_from(
            ["__metadata__", "a\0b", "a\udc80", "/lead", "../up", "a/b", "C:x", " ", "é", "a.npy", "x" * 300]
        ),
    ),
    min_size=1,
    max_size=4,
    unique=True,
)


def owners_values(path: Path) -> dict[str, np.ndarray]:
    """What NumPy or safetensors reads."""
    if path.suffix == ".npz":
        with np.load(path) as file:
            return dict(file)
    return load_file(path)


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".ckpt"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=KEYS)
def test_what_is_saved_is_read_by_its_owner_or_refused(ending: str, keys: list[str]) -> None:
    arrays = {key: np.arange(3, dtype=np.float32) + number for number, key in enumerate(keys)}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / f"saved{ending}"
        try:
            ckptdoctor.save(path, arrays)
        except ckptdoctor.UsageError as error:
            assert any(repr(key) in error.message for key in keys), error.message
            assert not list(Path(directory).iterdir())
            return
        with ckptdoctor.open(path) as checkpoint:
            assert {key: tensor[...].tolist() for key, tensor in checkpoint.items()} == {
                key: array.tolist() for key, array in arrays.items()
            }
        if ending != ".ckpt":
            # NumPy takes ".npy" off a member's name, and so off a key's end.
            assert sorted(array.tolist() for array in owners_values(path).values()) == sorted(
                array.tolist() for array in arrays.values()
            )


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("x.safetensors", "__metadata__"),
        ("x.npz", "a\0b"),
        ("x.npz", "/lead"),
        ("x.npz", "a\udc80"),
        ("x.ckpt", "a\udc80"),
        ("x.h5", "a\0b"),
        ("x.npz", OBJECT_GRAPH_KEY),
    ],
)
def test_a_key_that_could_not_be_read_back_is_refused(tmp_path: Path, output: str, key: str) -> None:
    with pytest.raises(ckptdoctor.UsageError, match="key") as caught:
        ckptdoctor.save(tmp_path / output, {key: np.ones(2), "b": np.ones(1)})
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_name_under_which_no_checkpoint_is_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for name in ("q.npy", "new/", "there"):
        with pytest.raises(ckptdoctor.UsageError):
            ckptdoctor.save(f"{tmp_path}/{name}", {"a": np.ones(2)})
    for odd in (None, b"bytes", 3):
        with pytest.raises(ckptdoctor.UsageError, match="no name"):
            ckptdoctor.save(odd, {"a": np.ones(2)})  # type: ignore[arg-type]
        with pytest.raises(ckptdoctor.UsageError, match="no name"):
            ckptdoctor.open(odd)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == [tmp_path / "there"]


def test_lists_of_numbers_are_arrays_and_ragged_ones_are_not(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "a.npz", {"a": [[1, 2], [3, 4]], "b": (0.5, 1.5)})
    with np.load(tmp_path / "a.npz") as file:
        assert file["a"].tolist() == [[1, 2], [3, 4]]
        assert file["b"].tolist() == [0.5, 1.5]
    with pytest.raises(ckptdoctor.UsageError, match="c"):
        ckptdoctor.save(tmp_path / "b.npz", {"c": [[1, 2], [3]]})


def test_a_string_keeps_the_zero_bytes_at_its_end(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "s.ckpt", {"s": np.array([b"ab\x00", b""], dtype=object)})
    with ckptdoctor.open(tmp_path / "s.ckpt") as checkpoint:
        assert checkpoint["s"][0] == b"ab\x00"
        assert checkpoint["s"][:1].tolist() == [b"ab\x00"]


INDICES = (
    0,
    -1,
    True,
    False,
    None,
    ...,
    slice(1, None),
    slice(None, None, -2),
    (1, 2),
    (..., 0),
    (None, 1),
    [0, 2],
    (slice(0, 2), [1, 0]),
)


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_an_index_means_what_it_means_to_numpy(tmp_path: Path, index: object) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    ckptdoctor.save(tmp_path / "a.ckpt", {"a": values})
    with ckptdoctor.open(tmp_path / "a.ckpt") as checkpoint:
        taken, expected = checkpoint["a"][index], values[index]  # type: ignore[index]
        assert type(taken) is type(expected)
        assert np.shape(taken) == np.shape(expected)
        assert np.array_equal(taken, expected)


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_a_partitioned_variable_is_indexed_the_same_way(tmp_path: Path, index: object) -> None:
    with ckptdoctor.open(bundle(tmp_path)) as checkpoint:
        key = next(key for key, tensor in checkpoint.items() if tensor._entry.slices and tensor.ndim > 1)
        whole = checkpoint[key].numpy()
        try:
            expected = whole[index]  # type: ignore[index]
        except IndexError:
            with pytest.raises(IndexError):
                checkpoint[key][index]
            return
        assert np.array_equal(checkpoint[key][index], expected)


def test_a_scalar_is_a_number(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "n.ckpt", {"step": np.int64(41), "rate": np.float32(0.5)})
    with ckptdoctor.open(tmp_path / "n.ckpt") as checkpoint:
        assert int(checkpoint["step"]) == 41
        assert float(checkpoint["rate"]) == 0.5


def test_a_receipt_counts_tensors_once(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "a.ckpt", {"net/a": np.ones(2), "net/b": np.ones(3), "c": np.ones(1)})
    receipt = ckptdoctor.convert(tmp_path / "a.ckpt", tmp_path / "b.ckpt", rename={"^net/": "n/"})
    assert (receipt.tensors, receipt.changed, receipt.left_out) == (3, 2, 0)
    ckptdoctor.save(tmp_path / "d.ckpt", {"w": np.ones(2), "w/Adam": np.ones(2), "w/Adam_1": np.ones(2)})
    receipt = ckptdoctor.convert(tmp_path / "d.ckpt", tmp_path / "e.ckpt", optimizer="drop")
    assert (receipt.tensors, receipt.changed, receipt.left_out) == (1, 0, 2)


def test_a_safetensors_file_that_ends_within_its_header_is_said_to_be_one(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "whole.safetensors", {"a": np.arange(9.0), "b": np.ones(2)})
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "whole.safetensors").read_bytes()[:20])
    with pytest.raises(ckptdoctor.FormatError, match="safetensors") as caught:
        ckptdoctor.open(tmp_path / "cut.safetensors")
    assert "text file" not in caught.value.message
