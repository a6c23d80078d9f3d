"""A command opens a checkpoint once, whatever it does with it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.formats import locate
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
V1, DENSE, CONV = FIXTURES / "classifier.ckpt", FIXTURES / "dense.py", FIXTURES / "conv.py"
IMAGES = ["--input", "images:1x4x4x1"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each name was opened."""
    from ckptdoctor.conversion import request  # noqa: F401, it is imported before what it imports is counted
    from ckptdoctor.repository import check, locking  # noqa: F401

    counts: Counter[str] = Counter()
    original = locate.open_checkpoint

    def counting(name: str):  # type: ignore[no-untyped-def]
        counts[name] += 1
        return original(name)

    for name, module in list(sys.modules.items()):
        if name.startswith("ckptdoctor.") and getattr(module, "open_checkpoint", None) is original:
            monkeypatch.setattr(module, "open_checkpoint", counting)
    return counts


def run(*arguments: str | Path, code: int = 0) -> None:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspect", V1], 0),
        (["inspect", V1, "--stats"], 0),
        (["diff", DENSE, V1, *IMAGES], 1),
        (["convert", V1, "OUT", "--graph", DENSE, *IMAGES], 0),
        (["convert", V1, "OUT", "--conv-to-dense"], 0),
        (["verify", V1], 0),
        (["verify", V1, "--graph", CONV, *IMAGES], 0),
    ],
    ids=lambda value: " ".join(map(str, value[:1] + value[2:])) if isinstance(value, list) else "",
)
def test_it_is_opened_once(arguments: list[str | Path], code: int, opened: Counter[str], tmp_path: Path) -> None:
    run(*(tmp_path / "out.npz" if argument == "OUT" else argument for argument in arguments), code=code)
    assert opened == {str(V1): 1}


def test_each_of_two_is_opened_once(opened: Counter[str], tmp_path: Path) -> None:
    run("convert", V1, tmp_path / "same.npz")
    opened.clear()
    run("diff", V1, tmp_path / "same.npz", "--values")
    assert opened == {str(V1): 1, str(tmp_path / "same.npz"): 1}


@pytest.mark.parametrize("arguments", [["check"], ["check", "conv.py"], ["lock"]], ids=" ".join)
def test_a_declared_pair_is_opened_once(
    arguments: list[str], opened: Counter[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("conv.py").write_text(CONV.read_text("utf-8"), "utf-8")
    Path("c.ckpt").write_bytes(V1.read_bytes())
    declared = '[[tool.ckptdoctor.check]]\ngraph = "conv.py"\ninputs = ["images:1x4x4x1"]\ncheckpoint = "c.ckpt"\n'
    Path("pyproject.toml").write_text(declared, "utf-8")
    run(*arguments)
    assert opened == {"c.ckpt": 1}
