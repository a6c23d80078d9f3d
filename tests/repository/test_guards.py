"""The guards as their hosts run them: GitHub's Action step by step, GitLab's job, pre-commit, pytest."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ckptdoctor.testing import assert_loads
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
PAIR = '[[tool.ckptdoctor.check]]\ngraph = "graph.ckpt"\ncheckpoint = "weights.ckpt"\n'
"""Of two checkpoints, so that the guards' own environments need no TensorFlow."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "repository"
    directory.mkdir()
    for name in ("graph.ckpt", "weights.ckpt"):
        shutil.copy(FIXTURES / "classifier.ckpt", directory / name)
    (directory / "pyproject.toml").write_text(PAIR)
    monkeypatch.chdir(directory)
    return directory


def ckptdoctor(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "ckptdoctor", *arguments], check=True, capture_output=True)


def schema(kind: str, file: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def run_action(repository: Path, runner: Path, **inputs: str) -> tuple[int, str]:
    """Runs the steps of action.yml as GitHub's runner does: inputs put in, conditions asked, bash -e for each."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    values = {name: spec["default"] for name, spec in action["inputs"].items()} | inputs
    summary = runner / "summary.md"
    printed = ""
    for step in action["runs"]["steps"]:
        condition = step.get("if", "")
        if condition:
            match = re.fullmatch(r"inputs\.(\w+) != ''", condition)
            assert match, condition
            if not values[match[1]]:
                continue
        environment = {
            **os.environ,
            "RUNNER_TEMP": str(runner),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        for name, text in step.get("env", {}).items():
            environment[name] = re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda match: values[match[1]], text)
        assert step["shell"] == "bash"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=repository,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        printed += done.stdout
        if done.returncode:
            return done.returncode, printed + done.stderr
    return 0, printed


@pytest.mark.skipif(
    not (ROOT / "ckptdoctor").is_dir(), reason="the Action installs the sources; these tests stand alone"
)
def test_the_action_passes_and_fails(repository: Path, tmp_path: Path) -> None:
    schema("github-actions", ROOT / "action.yml")
    ckptdoctor("lock")
    (repository / "weights.ckpt").unlink()
    runner = tmp_path / "runner"
    runner.mkdir()
    sarif = repository / "found.sarif"
    code, printed = run_action(repository, runner, python=sys.executable, sarif=str(sarif))
    assert (code, printed) == (0, "\n"), printed
    assert json.loads(sarif.read_text())["runs"][0]["results"] == []
    assert ":white_check_mark:" in (runner / "summary.md").read_text()
    shutil.copy(FIXTURES / "bottleneck.ckpt.index", repository / "graph.ckpt.index")
    code, printed = run_action(repository, runner, python=sys.executable, sarif=str(sarif))
    assert code == 1
    assert printed.startswith("::error file=")
    assert json.loads(sarif.read_text())["runs"][0]["results"]
    assert ":x:" in (runner / "summary.md").read_text()


def test_the_job_of_gitlab_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "guides" / "guarding-a-repository.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml title=\"\.gitlab-ci\.yml\"\n(.*?)```", page, re.DOTALL)
    file = tmp_path / ".gitlab-ci.yml"
    file.write_text(text)
    schema("gitlab-ci", file)
    job: dict[str, Any] = yaml.safe_load(text)["ckptdoctor"]
    assert job["artifacts"]["reports"]["junit"] in job["script"][-1]


def test_the_script_of_gitlab_runs(repository: Path) -> None:
    page = (ROOT / "docs" / "guides" / "guarding-a-repository.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml title=\"\.gitlab-ci\.yml\"\n(.*?)```", page, re.DOTALL)
    job = yaml.safe_load(text)["ckptdoctor"]
    ckptdoctor("lock")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for line in job["script"]:
        if not line.startswith("pip install"):
            subprocess.run(["bash", "-ec", line], env={**os.environ, "PATH": path}, check=True)
    assert "the checkpoint fits the graph" in Path(job["artifacts"]["reports"]["junit"]).read_text()


@pytest.mark.skipif(
    not (ROOT / ".git").exists(), reason="pre-commit installs hooks from a git repository; this is none"
)
def test_pre_commit_with_and_without_a_lock(repository: Path, tmp_path: Path) -> None:
    """`pre-commit try-repo` on this project: where the checkpoint is not in the repository, and where there is no lock.

    Each call installs the hook as shipped into an environment of its own, which takes most of the time.
    """
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    environment |= {
        f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment["PRE_COMMIT_HOME"] = str(tmp_path / "pre-commit")
    ckptdoctor("lock")

    def run(*command: str, code: int = 0) -> str:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    (repository / ".gitignore").write_text("weights.ckpt\n")
    run("git", "init", "--quiet")
    run("git", "add", ".")
    run("git", "commit", "--quiet", "-m", "x")
    (repository / "weights.ckpt").unlink()
    try_repo = (str(Path(sys.executable).with_name("pre-commit")), "try-repo", str(ROOT), "ckptdoctor", "--all-files")
    assert "Passed" in run(*try_repo)
    (repository / "ckptdoctor.lock").unlink()
    shutil.copy(FIXTURES / "classifier.ckpt", repository / "weights.ckpt")
    shutil.copy(FIXTURES / "bottleneck.ckpt.index", repository / "graph.ckpt.index")
    run("git", "add", ".")
    output = run(*try_repo, code=1)
    assert "Failed" in output
    assert "CKD101 missing-variable net/unit_1/" in output


def test_a_projects_own_test_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES)
    assert_loads("conv.py", "classifier.ckpt", inputs=["images:Nx4x4x1"])
    assert_loads("dense.py", "classifier.ckpt", inputs=["images:Nx4x4x1"], include=["net/conv1"])
    with pytest.raises(AssertionError) as failure:
        assert_loads("dense.py", "classifier.ckpt", inputs=["images:Nx4x4x1"])
    text = str(failure.value)
    assert text.startswith("classifier.ckpt does not fit dense.py\n")
    assert "error[CKD201] conv-for-dense: net/fc6/weights" in text
    assert "\x1b" not in text


def test_a_failed_test_reads_well(tmp_path: Path) -> None:
    """The report, and the line of the test: nothing of ckptdoctor's own frames."""
    test = tmp_path / "test_weights.py"
    test.write_text(
        "from ckptdoctor.testing import assert_loads\n\n"
        f"def test_the_weights_fit():\n    assert_loads({str(FIXTURES / 'bottleneck.ckpt')!r}, {str(FIXTURES / 'classifier.ckpt')!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "error[CKD" in done.stdout
    assert "testing.py" not in done.stdout
