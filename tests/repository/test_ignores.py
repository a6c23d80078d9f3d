"""What a user says to ignore: beside the code, in the configuration, and reported when nothing needs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ckptdoctor.diagnosis.ignores import read_ignores
from tests.conftest import ROOT
from tests.repository.command import run

FIXTURES = ROOT / "tests" / "fixtures"
PYPROJECT = (
    '[[tool.ckptdoctor.check]]\ngraph = "dense.py"\ninputs = ["images:Nx4x4x1"]\ncheckpoint = "classifier.ckpt"\n'
)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("dense.py", "classifier.ckpt"):
        shutil.copy(FIXTURES / name, tmp_path)
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def comment(repository: Path, scope: str, text: str) -> None:
    path = repository / "dense.py"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"{line}  {text}" if f'"{scope}"' in line else line for line in lines) + "\n")


def test_a_comment_accepts_a_finding_at_its_line(repository: Path) -> None:
    assert run("check", code=1).count("CKD201") == 3
    comment(repository, "fc6", "# ckptdoctor: ignore[CKD201]")
    found = run("check", code=1)
    assert found.count("CKD201") == 2
    assert "net/fc6" not in found
    data = json.loads(
        run("diff", "dense.py", "classifier.ckpt", "--input", "images:Nx4x4x1", "--format", "json", code=1)
    )
    assert [item["variable"] for item in data["ignored"]] == ["net/fc6/weights"]
    text = run("diff", "dense.py", "classifier.ckpt", "--input", "images:Nx4x4x1", code=1)
    assert "ignored: 1 (CKD201), as the graph's comments ask" in text


def test_a_conversion_carries_out_what_is_ignored_too(repository: Path) -> None:
    comment(repository, "fc6", "# ckptdoctor: ignore[CKD201]")
    run("convert", "classifier.ckpt", "fitted.ckpt", "--graph", "dense.py", "--input", "images:Nx4x4x1")
    assert "[16,8]" in run("inspect", "fitted.ckpt", "--table")


def test_the_configuration_accepts_codes_and_globs(repository: Path) -> None:
    path = repository / "pyproject.toml"
    path.write_text(PYPROJECT + 'ignore = ["CKD201"]\n')
    assert run("check") == ""
    path.write_text(PYPROJECT + 'ignore = ["CKD201:net/fc*/weights"]\n')
    found = run("check", code=1)
    assert found.count("CKD201") == 1
    assert "net/logits/weights" in found


def test_an_ignore_that_nothing_needs_is_reported(repository: Path) -> None:
    (repository / "pyproject.toml").write_text("\n" + PYPROJECT + 'ignore = ["CKD201", "CKD101"]\n')
    comment(repository, "conv1", "# ckptdoctor: ignore[CKD211]")
    row = next(n for n, line in enumerate(Path("dense.py").read_text().splitlines(), 1) if "ckptdoctor:" in line)
    assert run("check", code=1).splitlines() == [
        "pyproject.toml:2: CKD802 unused-ignore CKD101: no finding matches ignore[CKD101].",
        "  help: remove it",
        f"dense.py:{row}: CKD802 unused-ignore CKD211: no finding matches ignore[CKD211].",
        "  help: remove it",
    ]
    # A run over a part of the pairs knows nothing of the others.
    (repository / "pyproject.toml").write_text(
        PYPROJECT
        + 'ignore = ["CKD201", "CKD101"]\n'
        + PYPROJECT.replace("dense.py", "other.ckpt").replace('inputs = ["images:Nx4x4x1"]\n', "")
    )
    shutil.copy(repository / "classifier.ckpt", repository / "other.ckpt")
    assert "CKD802" not in run("check", "dense.py")


def test_a_code_that_does_not_exist_gets_a_suggestion(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(PYPROJECT + 'ignore = ["CKD201", "CDK201"]\n')
    assert "there is no code CDK201. Did you mean CKD201" in run("check", code=1)


def test_a_comment_holds_for_its_statement(tmp_path: Path) -> None:
    path = tmp_path / "graph.py"
    path.write_text(
        '"""# ckptdoctor: ignore[CKD900] is no comment here."""\n'
        "x = f(\n"
        "    1,  # ckptdoctor: ignore[CKD201]\n"
        "    2,\n"
        ")\n"
        "# ckptdoctor: ignore[CKD202, CKD203:a/*]\n"
        "y = 1\n"
        "with z:  #ckptdoctor:ignore[CKD204]\n"
        "    pass  # ckptdoctor: ignore nothing\n"
    )
    found = [(item.text, item.lines, item.location.line) for item in read_ignores([str(path)])]
    assert found == [
        ("CKD201", range(2, 6), 3),
        ("CKD202", range(7, 8), 6),
        ("CKD203:a/*", range(7, 8), 6),
        ("CKD204", range(8, 9), 8),
    ]


@pytest.mark.parametrize(
    "text", ["(  # ckptdoctor: ignore[CKD201]", "\0ckptdoctor:", "  x\n y  # ckptdoctor: ignore[CKD201]\n"]
)
def test_what_is_no_python_has_no_ignores(tmp_path: Path, text: str) -> None:
    path = tmp_path / "graph.py"
    path.write_text(text)
    assert read_ignores([str(path), str(tmp_path / "absent.py")]) == ()
