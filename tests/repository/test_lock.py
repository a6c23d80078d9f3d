"""The lock: what stands in it is what the checkpoint holds, and a check needs nothing else."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ckptdoctor
from ckptdoctor.containers.zip_archive import leads_out
from ckptdoctor.errors import CkptDoctorError, UsageError
from ckptdoctor.repository.lock_file import NAME, LockedCheckpoint, LockedFile, lock_checkpoint, lock_text, read_lock
from ckptdoctor.specs.dtype import DTYPES
from ckptdoctor.specs.graph import SourceLine
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import TensorSlice, TensorSpec
from tests.conftest import ROOT
from tests.repository.command import run

FIXTURES = ROOT / "tests" / "fixtures"
PYPROJECT = """
[[tool.ckptdoctor.check]]
graph = "conv.py"
inputs = ["images:Nx4x4x1"]
checkpoint = "classifier.ckpt"
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("conv.py", "dense.py", "classifier.ckpt"):
        shutil.copy(FIXTURES / name, tmp_path)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pointer(path: Path) -> None:
    """What a clone without git-lfs has in the file's place."""
    digest, size = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {size}\n")


def widen(repository: Path) -> None:
    graph = repository / "conv.py"
    graph.write_text(graph.read_text().replace("x, 8, [1, 1]", "x, 9, [1, 1]"))


def test_the_checkpoint_is_not_needed(repository: Path) -> None:
    said = run("lock")
    assert "added     classifier.ckpt: 17 variables" in said
    (repository / "classifier.ckpt").unlink()
    assert run("check") == ""
    assert run("check", "--locked") == ""
    widen(repository)
    assert "lhs [1,1,8,9] vs rhs [1,1,8,8]" in run("check", "--locked", code=1)


def test_a_pointer_of_git_lfs_stands_for_the_file(repository: Path) -> None:
    run("lock")
    pointer(repository / "classifier.ckpt")
    assert run("check") == run("check", "--locked") == ""
    (repository / NAME).unlink()
    assert "git-lfs pointer" in run("check", code=3)


def test_another_checkpoint_is_shown_as_a_diff(repository: Path) -> None:
    run("lock")
    shutil.copy(FIXTURES / "bottleneck.ckpt.index", repository / "classifier.ckpt.index")
    assert run("check", code=1)
    lines = run("check", "--locked", code=1).splitlines()
    number = next(
        n for n, line in enumerate((repository / NAME).read_text().splitlines(), 1) if '"checkpoint": ' in line
    )
    assert lines[0].startswith(f"{NAME}:{number}: CKD801 not-as-locked classifier.ckpt: ")
    assert any(line.strip().startswith("+classifier.ckpt.index ") for line in lines)
    assert "    -net/fc6/weights float32 [2,2,4,8]" in lines
    assert "    +net/unit_1/conv1/weights float32 [1,1,16,4]" in lines
    assert "  help: if the file on disk is the right one, write the lock anew: ckptdoctor lock" in lines


def test_other_values_are_noticed_too(repository: Path) -> None:
    run("lock")
    path = repository / "classifier.ckpt"
    run("convert", "classifier.ckpt", "x.ckpt")
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    lines = run("check", "--locked", code=1)
    assert "-classifier.ckpt " in lines
    assert "+classifier.ckpt " in lines
    assert "masked crc" in lines
    assert "masked crc" in run("check", code=3)


def test_an_incomplete_checkpoint_is_not_locked(repository: Path) -> None:
    shutil.copy(FIXTURES / "bottleneck.ckpt.index", repository / "classifier.ckpt.index")
    assert "Bring the whole checkpoint here" in run("lock", code=2)
    assert not (repository / NAME).exists()


def test_the_lock_is_told_apart_from_what_it_lacks(repository: Path) -> None:
    assert f"{NAME} cannot be read" in run("check", "--locked", code=2)
    run("lock")
    shutil.copy(FIXTURES / "classifier.ckpt", repository / "new.ckpt")
    pair = PYPROJECT.replace("classifier.ckpt", "new.ckpt")
    (repository / "pyproject.toml").write_text(PYPROJECT + pair)
    assert "CKD801 not-as-locked new.ckpt: new.ckpt is not in the lock." in run("check", "--locked", code=1)
    said = run("lock")
    assert "unchanged classifier.ckpt" in said
    assert "added     new.ckpt" in said
    (repository / "pyproject.toml").write_text(pair)
    assert "removed   classifier.ckpt" in run("lock")


def test_a_changed_lock_touches_every_pair(repository: Path) -> None:
    run("lock")
    widen(repository)
    run("check", "other.py", code=0)
    run("check", NAME, code=1)
    run("check", "classifier.ckpt", code=1)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("lock/1", "lock/2"),
        lambda text: text.replace('"float32"', '"float33"'),
        lambda text: text.replace('"shape": [', '"shape": ["x", '),
        lambda text: text.replace('"files"', '"fils"'),
        lambda text: text.replace('"name": "classifier.ckpt"', '"name": "../../../../../dev/zero"'),
        lambda text: text.replace('"name": "classifier.ckpt"', '"name": "/dev/zero"'),
        lambda text: text.replace('"shape": [', '"shape": [-1, '),
        lambda text: text.replace('"shape": [', '"shape": [4611686018427387904, 4, '),
        lambda text: "[" * 100_000,
        lambda text: "null",
    ],
)
def test_a_damaged_lock_is_said(repository: Path, damage) -> None:  # type: ignore[no-untyped-def]
    run("lock")
    path = repository / NAME
    path.write_text(damage(path.read_text()))
    said = run("check", code=2)
    assert NAME in said
    assert "ckptdoctor lock" in said


def test_every_real_checkpoint_is_read_back(real: Path) -> None:
    """Inventories of every format, object graphs and slices included, and the same diagnosis from the lock."""
    count = 0
    for directory in sorted(path for path in real.iterdir() if path.is_dir()):
        for path in sorted(directory.rglob("*")):
            if path.suffix not in (".index", ".h5", ".keras", ".npz", ".safetensors", ".ckpt"):
                continue
            try:
                inventory = ckptdoctor.contents(str(path))
            except CkptDoctorError:  # what cannot be opened is another test's
                continue
            item = LockedCheckpoint(str(path), (), inventory, SourceLine(NAME, 1, ""))
            lock = path.parent / NAME
            text = lock_text([item])
            again = _read(text)
            assert dict(again.inventory.entries) == dict(inventory.entries), lock
            assert again.inventory.objects == inventory.objects
            count += 1
    assert count > 20


def _read(text: str) -> LockedCheckpoint:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / NAME
        path.write_text(text, "utf-8")
        return read_lock(path).checkpoints[0]


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
SHAPES = st.lists(st.integers(0, 2**15), max_size=4).map(tuple)
ENTRIES = st.builds(
    lambda key, dtype, shape, name, sliced: Entry(
        key, TensorSpec(dtype, shape), (TensorSlice.whole(len(shape)),) if sliced else (), name=name
    ),
    NAMES,
    st.sampled_from(DTYPES),
    SHAPES,
    st.text(st.characters(codec="utf-8"), max_size=5),
    st.booleans(),
)


@settings(deadline=None)
@given(st.lists(ENTRIES, max_size=5), NAMES.filter(lambda name: "\0" not in name and not leads_out(name)))
def test_what_is_written_is_read(entries: list[Entry], name: str) -> None:
    inventory = Inventory("x", "npz", Family.ARRAYS, (), {entry.key: entry for entry in entries})
    files = (LockedFile(name, 3, "0" * 64),)
    again = _read(lock_text([LockedCheckpoint("weights/x.npz", files, inventory, SourceLine(NAME, 1, ""))]))
    assert dict(again.inventory.entries) == dict(inventory.entries)
    assert again.files == files
    assert again.location.text == '"checkpoint": "weights/x.npz",'


def test_the_digest_is_that_of_the_bytes(repository: Path) -> None:
    path = repository / "classifier.ckpt"
    heard: list[int] = []
    item = lock_checkpoint("classifier.ckpt", ckptdoctor.contents("classifier.ckpt"), heard.append)
    assert item.files[0].sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sum(heard) == path.stat().st_size
    json.loads(lock_text([item, replace(item, checkpoint="other")]))


def test_a_lock_that_cannot_be_written_is_said(repository: Path) -> None:
    (repository / NAME).mkdir()
    with pytest.raises(UsageError):
        read_lock(repository / NAME)
