"""What every format owes: a class that says how its owner writes it inherits the tests.

The owner writes, we read: the same names, shapes, types and bytes, whatever the file is called; every truncation and
every damaged byte is an error or changes nothing; nothing but a FormatError escapes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.format import Probe
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.registry import FORMATS
from ckptdoctor.specs.inventory import Family

Values = dict[str, np.ndarray]

NUMBERS = st.sampled_from(["<f4", "<f8", "<f2", "<i4", "<i8", "|i1", "|u1", "|b1"])
TENSORS = st.dictionaries(
    st.from_regex(r"[a-z]{1,6}(/[a-z_]{1,6}){0,2}", fullmatch=True),
    NUMBERS.flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    ),
    min_size=1,
    max_size=5,
)
SMALL: Values = {"a": np.arange(64, dtype=np.float32), "b/c": np.ones((2, 3))}


def same(checkpoint: Checkpoint, values: Values) -> None:
    """The checkpoint holds these values, in itself and where it says that their bytes lie."""
    assert set(checkpoint.inventory.entries) == set(values)
    for key, value in values.items():
        spec = checkpoint.inventory.entries[key].spec
        native = value.dtype.newbyteorder("=")
        assert (spec.shape, spec.dtype.to_numpy()) == (value.shape, native)
        read = checkpoint.read(key)
        assert read.tobytes() == np.ascontiguousarray(value).astype(native).tobytes()
        assert read.shape == value.shape
        assert not read.flags.writeable
        stored = checkpoint.stored(key)
        if stored is not None:
            data = b"".join(e.file.read_bytes()[e.offset : e.offset + e.size] for e in stored.extents)
            assert data == read.tobytes()
    assert checkpoint.verify(lambda size: None) == []


def without_groups(values: Values) -> Values:
    """Values of which no name is another one's scope."""
    return {
        key: value
        for key, value in values.items()
        if not any(other != key and other.startswith(f"{key}/") for other in values)
    }


class FormatConformance:
    """The tests. A subclass gives `write`, which makes files named `stem…` in a directory and returns what to open."""

    examples: ClassVar[int] = 20
    checked: ClassVar[bool] = True
    """Whether the format has checksums, so that every damaged byte of a value must be found."""

    def write(self, directory: Path, stem: str, values: Values) -> Path:
        """Lets the owner's library write."""
        raise NotImplementedError

    def adapt(self, values: Values) -> Values:
        """The values that the format can hold, of these."""
        return without_groups(values)

    def expected(self, values: Values) -> Values:
        """What is read, by our keys."""
        return values

    def open(self, path: Path) -> Checkpoint:
        return open_checkpoint(str(path))

    def owner_refuses(self, path: Path) -> bool:
        """Whether the owner's library refuses a damaged file too; asked only where we accept it."""
        return False

    def test_what_the_owner_writes_is_read(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(TENSORS)
        def law(values: Values) -> None:
            kept = self.adapt(values)
            if kept:
                same(self.open(self.write(tmp_path_factory.mktemp("law"), "x", kept)), self.expected(kept))

        law()

    def test_the_name_decides_nothing(self, tmp_path: Path) -> None:
        values = self.adapt(SMALL)
        path = self.write(tmp_path, "x", values)
        if not path.is_file():
            pytest.skip("a format of several files is named by its prefix")
        for name in ("plain", "model.keras", "model.ckpt", "weights.h5", "archive.npz"):
            other = tmp_path / "other" / name
            other.parent.mkdir(exist_ok=True)
            shutil.copy(path, other)
            same(self.open(other), self.expected(values))

    def files(self, path: Path) -> list[Path]:
        return (
            [path] if path.is_file() else sorted(p for p in path.parent.rglob("*") if p.is_file() and p.stat().st_size)
        )

    def test_every_truncation_is_an_error(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "x", self.adapt(SMALL))
        for file in self.files(path):
            data = file.read_bytes()
            for size in sorted({*range(0, len(data), max(1, len(data) // 120)), len(data) - 1}):
                file.write_bytes(data[:size])
                assert self.problems(path), f"{size} bytes of {len(data)} of {file.name} are accepted"
            file.write_bytes(data)

    def test_every_damaged_byte_is_found_or_changes_nothing(self, tmp_path: Path) -> None:
        values = self.adapt(SMALL)
        path = self.write(tmp_path, "x", values)
        expected = self.expected(values)
        for file in self.files(path):
            data = file.read_bytes()
            for position in sorted({*range(0, len(data), max(1, len(data) // 250))}):
                damaged = bytearray(data)
                damaged[position] ^= 0x41
                file.write_bytes(damaged)
                if self.problems(path) or not self.checked:
                    continue
                same(self.open(path), expected)
            file.write_bytes(data)

    def test_the_record_says_whether_values_have_checksums(self, tmp_path: Path) -> None:
        checkpoint = self.open(self.write(tmp_path, "x", self.adapt(SMALL)))
        probe = Probe(checkpoint.inventory.files[0])
        record = next(record for record in FORMATS if record.open and record.recognise(probe))
        assert record.checksums == self.checked
        assert checkpoint.inventory.family in (record.family, Family.ARRAYS)

    def problems(self, path: Path) -> list[FormatError]:
        """What is said of a file: only a FormatError may be."""
        try:
            checkpoint = self.open(path)
            problems = checkpoint.verify(lambda size: None)
            for key in checkpoint.inventory.entries:
                value: Any = checkpoint.read(key) if not problems else None
                assert value is None or value.shape == checkpoint.inventory.entries[key].spec.shape
            return problems
        except FormatError as error:
            assert str(error)
            return [error]
