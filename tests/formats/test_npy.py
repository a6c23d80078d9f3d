"""A dict of arrays in an `.npy` file: NumPy writes it and loads it; here its pickle is only looked at."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ckptdoctor.errors import FormatError, NotACheckpoint
from ckptdoctor.formats.locate import open_checkpoint
from tests.formats.conformance import FormatConformance, Values, same

VALUES: Values = {
    "conv/weights": np.arange(24, dtype="<f4").reshape(2, 3, 4),
    "column-major": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big-endian": np.arange(5, dtype=">i4"),
    "scalar": np.array(7.5),
    "empty": np.zeros((0, 3), "<f2"),
    "large": np.arange(70_000, dtype="<i8"),
}
HEADER = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (), }".ljust(117) + b"\n"


def write(path: Path, value: Any) -> Path:
    with path.open("wb") as file:
        np.save(file, value, allow_pickle=True)
    return path


def loaded(path: Path) -> Values:
    """What NumPy makes of it."""
    values: Values = np.load(path, allow_pickle=True, encoding="latin1").item()
    return values


class TestNpy(FormatConformance):
    checked = False

    def adapt(self, values: Values) -> Values:
        return values

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        return write(directory / stem, values)

    def expected(self, values: Values) -> Values:
        return {key: np.asarray(value) for key, value in values.items()}


def test_every_order_and_size_is_read_as_numpy_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path / "weights.npy", VALUES)
    assert sorted(loaded(path)) == sorted(VALUES)
    same(open_checkpoint(str(path)), loaded(path))


def test_strings_are_read_as_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "x.npy", {"s": np.array(["grün", ""]), "b": np.array([b"a", b"bc"])})
    checkpoint = open_checkpoint(str(path))
    assert checkpoint.read("s").tolist() == [text.encode() for text in loaded(path)["s"].tolist()]
    assert checkpoint.read("b").tolist() == loaded(path)["b"].tolist()


def test_an_array_under_two_names_is_read_under_both(tmp_path: Path) -> None:
    array = np.arange(3.0)
    same(open_checkpoint(str(write(tmp_path / "x.npy", {"a": array, "b": array}))), {"a": array, "b": array})


@pytest.mark.parametrize("protocol", [3, 4])
def test_older_pickles_are_read(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(HEADER + pickle.dumps(np.array(VALUES, dtype=object), protocol=protocol))
    same(open_checkpoint(str(path)), loaded(path))


def test_what_python_2_wrote_is_read(tmp_path: Path) -> None:
    """Its texts are bytes, and NumPy had another name for its module."""
    out = io.BytesIO()
    data = pickle.dumps(np.array(VALUES, dtype=object), protocol=3)
    steps = [(step.name, value, at) for step, value, at in pickletools.genops(data)]
    for (name, value, at), (_, _, end) in zip(steps, [*steps[1:], ("", None, len(data))], strict=True):
        text = value.encode() if name == "BINUNICODE" else value
        if name in ("SHORT_BINBYTES", "BINBYTES", "BINUNICODE"):
            size = len(text)
            out.write(b"U" + bytes([size]) + text if size < 256 else b"T" + size.to_bytes(4, "little") + text)
        else:
            out.write(data[at:end].replace(b"numpy._core", b"numpy.core"))
    path = tmp_path / "x.npy"
    path.write_bytes(HEADER + out.getvalue())
    same(open_checkpoint(str(path)), loaded(path))


class Attack:
    """Loaded, it would make a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("where", ["value", "root", "array"])
def test_no_pickle_is_run(tmp_path: Path, where: str) -> None:
    made = tmp_path / "made"
    attack: Any = Attack(made)
    holder = {"value": {"a": np.ones(2), "b": attack}, "root": attack, "array": {"a": np.array([attack])}}[where]
    path = write(tmp_path / "x.npy", holder)
    with pytest.raises(FormatError, match=r"mkdir.*expected a dict of arrays") as caught:
        open_checkpoint(str(path))
    assert "numpy.savez" in caught.value.hint
    assert not made.exists()
    np.load(path, allow_pickle=True)
    assert made.exists(), "the attack is none"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [np.ones(2)]}, "an object of type list under 'a'"),
        ({1: np.ones(2)}, "an object of type int as a key"),
        (np.array([None, 1]), r"an array of objects, \[2\]"),
        ({"a": 3.0}, "the instruction b'G'"),
        ({"a": np.array([{}])}, "elements of O8 under 'a'"),
        ({"a": np.zeros(2, "M8[s]")}, "elements of M8 under 'a'"),
        ({"a": np.zeros(2, [("x", "f4")])}, "elements of several parts"),
        (np.array("x", dtype=object), "an object of type str"),
    ],
)
def test_anything_else_in_a_pickle_is_refused_with_a_sentence(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(FormatError, match=f"it holds {said}"):
        open_checkpoint(str(write(tmp_path / "x.npy", value)))


def test_one_plain_array_has_no_names(tmp_path: Path) -> None:
    with pytest.raises(NotACheckpoint, match=r"this is a NumPy \.npy file") as caught:
        open_checkpoint(str(write(tmp_path / "x.npy", np.ones(3))))
    assert "one array and no names" in caught.value.hint


def test_a_pickle_without_an_end_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(HEADER + b"]" * 5_000_000)
    with pytest.raises(FormatError, match="instructions"):
        open_checkpoint(str(path))
