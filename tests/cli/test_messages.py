"""What the command line says to somebody who mistypes, and that every error ends with the next step."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"


def run(*arguments: str, code: int) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture(autouse=True)
def _at_the_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["dif"], "Did you mean 'diff'?"),
        (["diff", "a", "b", "--exclud", "x"], "--exclude"),
        (["explain", "CKD2O3"], "CKD203"),
        (["explain", "ckd209x"], "CKD209"),
        (["explain", "CKD999"], "Did you mean CKD"),
        (["inspect", "clasifier.ckpt"], "Did you mean classifier.ckpt"),
        (
            ["convert", "classifier.ckpt", "o.ckpt", "--conv-to-dense", "--only", "net/fc6/weight"],
            "Did you mean net/fc6/weights",
        ),
        (["diff", "classifier.ckpt", "classifier.ckpt", "--exclude", "net/fc66"], "Did you mean net/fc6"),
        (["diff", "classifier.ckpt", "classifier.ckpt", "--format", "sarf"], "sarif"),
    ],
)
def test_a_mistype_gets_a_suggestion(arguments: list[str], suggestion: str) -> None:
    code = 3 if arguments[0] == "inspect" else 2
    assert suggestion in run(*arguments, code=code)


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", "absent.ckpt"],
        ["inspect", "conv.py"],
        ["diff", "absent.py", "classifier.ckpt"],
        ["diff", "classifier.ckpt", "classifier.ckpt", "--exclude", "("],
        ["diff", "classifier.ckpt", "classifier.ckpt", "--values", "--format", "junit"],
        ["diff", "classifier.ckpt", "classifier.ckpt", "--html", "conv.py"],
        ["diff", "classifier.ckpt", "classifier.ckpt", "--html", "/absent/x.html"],
        ["convert", "classifier.ckpt", "bottleneck.ckpt"],
        ["convert", "classifier.ckpt", "o.ckpt", "--kernel", "7"],
        ["verify", "classifier.ckpt", "--same-as", "a", "b"],
        ["explain", "nothing of the kind"],
        ["check", "--config", "absent.toml"],
        ["check", "--locked"],
        ["lock", "--config", "absent.toml"],
        ["run", "absent.py"],
        ["demo", "."],
    ],
)
def test_every_error_ends_with_the_next_step(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code in (2, 3), result.output
    assert "  help: " in result.output
    assert "Traceback" not in result.output


def test_a_pair_that_cannot_be_compared_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(FIXTURES / "classifier.ckpt", tmp_path)
    for suffix in (".index", ".data-00000-of-00001"):
        shutil.copy(FIXTURES / f"bottleneck.ckpt{suffix}", tmp_path)
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.ckptdoctor.check]]\ngraph = "absent.ckpt"\ncheckpoint = "classifier.ckpt"\n'
        '[[tool.ckptdoctor.check]]\ngraph = "bottleneck.ckpt"\ncheckpoint = "classifier.ckpt"\n'
    )
    monkeypatch.chdir(tmp_path)
    output = run("check", code=3)
    assert "CKD" in output
    assert "absent.ckpt: checkpoint: there is no such checkpoint" in output


def test_the_version_is_what_a_bug_report_needs() -> None:
    lines = run("--version", code=0).splitlines()
    assert lines[0].startswith("ckptdoctor ")
    assert lines[1].startswith("Python ")
    assert {line.split()[0] for line in lines[2:]} >= {"numpy", "h5py", "protobuf", "typer", "keras"}


def test_verbose_says_what_took_how_long() -> None:
    result = CliRunner().invoke(app, ["diff", "classifier.ckpt", "bottleneck.ckpt", "--verbose"])
    assert "comparing: " in result.output
    assert "more (" not in result.output
