"""`ckptdoctor check`, by itself and as the real pre-commit runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
PYPROJECT = """
[[tool.ckptdoctor.check]]
graph = "conv.py"
inputs = ["images:Nx4x4x1"]
checkpoint = "classifier.ckpt"

[[tool.ckptdoctor.check]]
graph = "other.ckpt"
checkpoint = "other.ckpt"
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("conv.py", "dense.py", "classifier.ckpt"):
        shutil.copy(FIXTURES / name, tmp_path)
    shutil.copy(FIXTURES / "classifier.ckpt", tmp_path / "other.ckpt")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "unrelated.py").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / f"{tmp_path.name}-cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*arguments: str, code: int) -> str:
    result = CliRunner().invoke(app, ["check", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def break_graph(repository: Path) -> None:
    graph = repository / "conv.py"
    graph.write_text(graph.read_text().replace("x, 8, [1, 1]", "x, 9, [1, 1]"))


def test_a_line_a_finding_and_how_to_see_more(repository: Path) -> None:
    assert check(code=0) == ""
    break_graph(repository)
    *findings, more = check(code=1).splitlines()
    assert findings[0].startswith("conv.py:")
    assert "lhs [1,1,8,9] vs rhs [1,1,8,8]" in findings[0]
    assert more == "  more: ckptdoctor diff conv.py --input images:Nx4x4x1 classifier.ckpt"


def test_only_what_a_changed_file_touches(repository: Path) -> None:
    break_graph(repository)
    check("unrelated.py", "other.ckpt", code=0)
    check("conv.py", code=1)
    check("classifier.ckpt", code=1)
    check("pyproject.toml", code=1)


def test_an_imported_module_touches_its_graph(repository: Path) -> None:
    (repository / "sizes.py").write_text("HIDDEN = 9\n")
    graph = repository / "conv.py"
    graph.write_text("import sizes\n" + graph.read_text().replace("x, 8, [1, 1]", "x, sizes.HIDDEN, [1, 1]"))
    check("sizes.py", code=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "declares nothing"),
        ("[[tool.ckptdoctor.check]]\ngraph = 'a.py'\n", "number 1 needs graph and checkpoint"),
        ("[[tool.ckptdoctor.check]]\ngraph = 'a'\ncheckpoint = 'b'\ninput = 'x'\n", "unknown input"),
        ("[[tool.ckptdoctor.check]]\ngraph = 'a'\ncheckpoint = 'b'\nargs = 'x'\n", "args is no list"),
        ("[", "cannot be read"),
    ],
)
def test_a_wrong_configuration_is_named(repository: Path, text: str, says: str) -> None:
    (repository / "pyproject.toml").write_text(text)
    assert says in check(code=2)
