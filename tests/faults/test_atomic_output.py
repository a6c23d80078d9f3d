"""Sets of files that appear together: what remains when one of the steps fails, and what the next process does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ckptdoctor.errors import OutputError
from ckptdoctor.io import atomic_output
from ckptdoctor.io.atomic_output import AtomicOutput, clean


def content(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(directory.iterdir())}


def write(directory: Path, text: str, *, force: bool = True) -> None:
    with AtomicOutput(force=force) as output:
        for name in ("data", "index"):
            output.create(directory / name).write(text.encode())
        scratch = output.scratch(directory / "index")
        scratch.write(b"for a while")
        output.commit()


@pytest.fixture
def gone() -> str:
    """The token of a process that has ended."""
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    return f"{atomic_output._HOST}-{int(done.stdout)}-0123abcd"


def test_files_appear_and_are_replaced_together(tmp_path: Path) -> None:
    write(tmp_path, "one", force=False)
    assert content(tmp_path) == {"data": "one", "index": "one"}
    with pytest.raises(OutputError, match="exists"):
        write(tmp_path, "two", force=False)
    write(tmp_path, "two")
    assert content(tmp_path) == {"data": "two", "index": "two"}


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("second_names", [True, False])
def test_a_rename_that_fails_puts_back_what_was_there(
    number: int, second_names: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "old")
    replace, calls = Path.replace, 0

    def failing(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == number:
            raise OSError(28, "No space left on device", str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    if not second_names:
        monkeypatch.setattr(atomic_output.os, "link", lambda *args: (_ for _ in ()).throw(OSError(1, "not permitted")))
    with pytest.raises(OutputError, match="No space left"):
        write(tmp_path, "new")
    monkeypatch.undo()
    if second_names or number < 3:
        assert content(tmp_path) == {"data": "old", "index": "old"}
    assert not [name for name in content(tmp_path) if name.startswith(".")]


def test_the_next_process_finishes_what_a_killed_one_had_completed(tmp_path: Path, gone: str) -> None:
    write(tmp_path, "old")
    names = ["data", "index"]
    renames = [[f".{name}.{gone}.partial", name] for name in names]
    (tmp_path / f".index.{gone}.commit").write_text(json.dumps({"renames": renames}))
    # The first rename was done.
    (tmp_path / "data").write_text("new")
    (tmp_path / renames[1][0]).write_text("new")
    (tmp_path / f".other.{gone}.partial").write_text("half")
    clean(tmp_path)
    assert content(tmp_path) == {"data": "new", "index": "new"}


def test_what_others_are_writing_stays(tmp_path: Path, gone: str) -> None:
    elsewhere = f".x.{'0' * 8}-{gone.split('-')[1]}-0123abcd.partial"
    alive = f".x.{atomic_output._HOST}-1-0123abcd.partial"
    for name in (elsewhere, alive, ".x.partial", "x.partial"):
        (tmp_path / name).write_text("mine")
    clean(tmp_path)
    assert len(content(tmp_path)) == 4


def test_a_link_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be linked"), AtomicOutput() as output:
        output.link(tmp_path / "absent", tmp_path / "x")
    assert content(tmp_path) == {}
