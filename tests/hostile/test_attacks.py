"""The verdict on each attack: refused with a reason, or opened without harm; in bounded time and memory."""

from __future__ import annotations

import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.errors import FormatError
from ckptdoctor.formats.locate import open_checkpoint
from tests.hostile import attacks

SECONDS = 20
MEMORY = 700 << 20


@pytest.fixture(autouse=True)
def _bounded() -> Iterator[None]:
    """An attack may take neither long nor much memory."""

    def late(*args: object) -> None:
        raise AssertionError(f"took longer than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, limits[1]))
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    resource.setrlimit(resource.RLIMIT_AS, limits)
    signal.signal(signal.SIGALRM, before)


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def look(path: Path) -> None:
    """Opens a file, checks it, and reads every value."""
    checkpoint = open_checkpoint(str(path))
    problems = checkpoint.verify(lambda size: None)
    if problems:
        raise problems[0]
    for key in checkpoint.inventory.entries:
        checkpoint.read(key)


@pytest.mark.parametrize("attack", attacks.REFUSED, ids=lambda attack: attack.__name__)
def test_it_is_refused(attack: attacks.Attack, tmp_path: Path) -> None:
    path = attack(tmp_path)
    listed = sorted(tmp_path.rglob("*"))
    with pytest.raises(FormatError) as caught:
        look(path)
    assert re.search(attacks.REFUSED[attack], caught.value.message), caught.value.message
    assert caught.value.hint
    code, output = run("verify", path)
    assert code == 3, output
    assert "Traceback" not in output
    assert sorted(tmp_path.rglob("*")) == listed


@pytest.mark.parametrize("attack", attacks.HARMLESS, ids=lambda attack: attack.__name__)
def test_it_does_nothing(attack: attacks.Attack, tmp_path: Path) -> None:
    path = attack(tmp_path)
    listed = sorted(tmp_path.rglob("*"))
    for command in (["inspect", path], ["inspect", path, "--table"], ["verify", path], ["diff", path, path]):
        code, output = run(*command)
        assert code in (0, 1, 3), output
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", output)
        assert "bug in ckptdoctor" not in output
    assert sorted(tmp_path.rglob("*")) == listed


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".safetensors", ""])
def test_names_stay_names_wherever_they_are_written(suffix: str, tmp_path: Path) -> None:
    source = attacks.names_that_lead_out(tmp_path)
    (tmp_path / "out").mkdir()
    code, output = run("convert", source, tmp_path / "out" / f"made{suffix}")
    assert code in (0, 2), output
    if code == 0:
        look(tmp_path / "out" / f"made{suffix}")
    assert {path.name for path in tmp_path.iterdir()} <= {"m.index", "m.data-00000-of-00001", "out"}
    assert not (tmp_path.parent / "up").exists()


def test_a_link_at_the_output_is_replaced_and_not_followed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=np.ones(3))
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out.safetensors").symlink_to(victim)
    assert run("convert", tmp_path / "a.npz", tmp_path / "out.safetensors")[0] == 3
    assert run("convert", tmp_path / "a.npz", tmp_path / "out.safetensors", "--force")[0] == 0
    assert victim.read_text() == "mine"
    assert not (tmp_path / "out.safetensors").is_symlink()


def test_a_link_to_the_source_is_the_source(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=np.ones(3))
    (tmp_path / "b.npz").symlink_to(tmp_path / "a.npz")
    code, output = run("convert", tmp_path / "a.npz", tmp_path / "b.npz", "--force")
    assert code == 2
    assert "the checkpoint itself" in output


def test_journals_of_others_rename_nothing(tmp_path: Path) -> None:
    """A journal renames what such a process wrote, within its directory, and nothing else."""
    from ckptdoctor.io.atomic_output import _HOST, clean

    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    token = f"{_HOST}-{int(gone.stdout)}-00000000"
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "below").mkdir()
    for renames in ('[["precious", "x"]]', f'[[".../x.{token}.partial", "../x"]]', "[[1, 2]]", "not json", "[]"):
        (tmp_path / "below" / f".x.{token}.commit").write_text(f'{{"renames": {renames}}}')
        clean(tmp_path / "below")
        assert list((tmp_path / "below").iterdir()) == []
    assert (tmp_path / "precious").read_text() == "mine"
