"""What a shell completes, asked as each shell asks, and bash itself with the script that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
PROGRAM = Path(sys.executable).with_name("ckptdoctor")


def ask(shell: str, line: str) -> str:
    words = line.split(" ")
    environment = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    done = subprocess.run(
        [PROGRAM],
        cwd=FIXTURES,
        env={**os.environ, **environment, "_CKPTDOCTOR_COMPLETE": f"complete_{shell}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ckptdoctor ver", ["verify"]),
        ("ckptdoctor diff --exc", ["--exclude"]),
        ("ckptdoctor explain CKD20", ["CKD201", "CKD209"]),
        ("ckptdoctor explain CKD80", ["CKD801", "CKD802"]),
        ("ckptdoctor convert classifier.ckpt out.ckpt --only net/fc6", ["net/fc6/weights", "net/fc6/biases"]),
        ("ckptdoctor diff dense.py classifier.ckpt --exclude net/", ["net/conv1", "net/logits"]),
    ],
)
def test_it_is_offered(shell: str, line: str, offered: list[str]) -> None:
    printed = ask(shell, line)
    assert all(word in printed for word in offered), printed


def test_what_cannot_be_read_completes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.ckpt").write_text("no checkpoint")
    for file in (tmp_path / "x.ckpt", tmp_path / "absent"):
        assert "x" not in ask("bash", f"ckptdoctor convert {file} out --only x").replace(str(file), "")


def test_bash_itself(tmp_path: Path) -> None:
    script = subprocess.run(
        [PROGRAM], env={**os.environ, "_CKPTDOCTOR_COMPLETE": "source_bash"}, capture_output=True, text=True, check=True
    )
    (tmp_path / "completion.sh").write_text(script.stdout)
    asked = (
        "COMP_WORDS=(ckptdoctor explain CKD80); COMP_CWORD=2; _ckptdoctor_completion ckptdoctor; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", f". {tmp_path}/completion.sh; {asked}"],
        env={**os.environ, "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["CKD801", "CKD802"]
