"""Every command and every file of the README and the documentation, as a reader follows them."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from tests.conftest import ROOT
from tests.docs.session import agrees, blocks, commands, run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = ("python", "toml", "yaml", "text")
BUG = 4


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if "```console" in page.read_text("utf-8") or 'title="' in page.read_text("utf-8")],
    ids=names,
)
def test_the_page_is_true(page: Path, tmp_path: Path) -> None:
    directory, home = tmp_path / "here", tmp_path / "home"
    directory.mkdir()
    text = page.read_text("utf-8")
    for block in blocks(text):
        if block.reason:
            continue
        if block.title:
            path = directory / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
        elif block.language == "console":
            for command in commands(block):
                code, printed = run(command, directory, home)
                where = f"{names(page)}, the block at line {block.line}: $ {command.text}\n" + "\n".join(printed)
                assert code != BUG, where
                if os.environ.get("UPDATE_DOCS"):
                    before = "\n".join([f"$ {command.text}", *command.output])
                    if not agrees(command.output, printed):
                        current = page.read_text("utf-8")
                        assert before in current
                        page.write_text(
                            current.replace(before, "\n".join([f"$ {command.text}", *printed]).rstrip(), 1), "utf-8"
                        )
                    continue
                assert agrees(command.output, printed), where
                assert code == 0 or command.output, f"{where}\nIt failed, and the page does not show how."


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    text = page.read_text("utf-8")
    for block in blocks(text):
        assert block.language, f"{names(page)}:{block.line} has no language"
        run_or_written = block.language in ("console", "text") or block.title
        assert run_or_written or block.reason, (
            f"{names(page)}:{block.line} is neither run nor written to a file, and does not say why"
        )
        if block.title:
            assert block.language in WRITTEN, block
    outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    indented = re.findall(r"(?<=\n\n)    [^\s*\-\d].*", outside)
    assert not indented, f"{names(page)}: an indented block escapes this test: {indented}"


@pytest.mark.parametrize("name", [command.name or command.callback.__name__ for command in app.registered_commands])
def test_help_fits_a_screen_and_its_examples_parse(name: str) -> None:
    result = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "80"})
    lines = result.output.splitlines()
    assert len(lines) <= 50, f"{len(lines)} lines"
    assert max(map(len, lines)) <= 112  # an example stays in one piece
    block = result.output.partition("Examples:\n\n")[2].partition("\n\n")[0]
    examples = [line.strip() for line in block.splitlines()]
    assert examples
    group = typer.main.get_command(app)
    for example in examples:
        words = shlex.split(re.sub(r"^.*\| |^.*python -m | [>2].*$", "", example))
        if words[0] != "ckptdoctor":
            assert "ckptdoctor" in example, example
            continue
        known = group.commands[words[1]]  # type: ignore[attr-defined]
        context = known.make_context(words[1], words[2:], resilient_parsing=True)
        assert not context.args or words[1] == "run", example


@pytest.mark.parametrize("name", [command.name or command.callback.__name__ for command in app.registered_commands])
def test_each_command_has_a_page_with_its_help(name: str) -> None:
    pytest.importorskip("mkdocs", reason="the site's generator is not installed here")
    from docs.generated_pages import with_help

    page = ROOT / "docs" / "commands" / f"{name}.md"
    result = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "80"})
    assert result.output.rstrip() in with_help(page.read_text("utf-8"), name)


def test_the_picture_is_of_what_is_printed() -> None:
    from docs.pictures import COMMAND, PICTURE, printed, text_of

    shown = text_of(PICTURE.read_text("utf-8"))
    wanted = ["$ ckptdoctor " + " ".join(COMMAND), *(line.strip() for line in printed("never").splitlines())]
    assert [line for line in shown if line not in ("", "ckptdoctor")] == [line for line in wanted if line]


def test_the_readmes_numbers_are_measured_ones() -> None:
    """Each time and size of the table stands in the page that `make bench` writes."""
    readme = (ROOT / "README.md").read_text("utf-8")
    measured = (ROOT / "docs" / "benchmarks.md").read_text("utf-8")
    table = readme.partition("## How it compares")[2].partition("Measured by")[0]
    numbers = re.findall(r"([\d.]+) (?:s|MB)\b", table.replace("553 MB", ""))
    assert len(numbers) > 12
    assert [number for number in numbers if not re.search(rf"\| {re.escape(number)} \|", measured)] == []
