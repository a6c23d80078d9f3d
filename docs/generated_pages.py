"""A mkdocs hook: the page of each code, made from its docstring and examples; each command's own help on its page."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page as SitePage
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.diagnosis.catalogue import Page, pages
from ckptdoctor.diagnosis.example import Example

HELP = "<!-- help -->"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds `rules/CKD###.md` for every code."""
    for page in pages():
        files.append(File.generated(config, f"rules/{page.code}.md", content=_markdown(page)))
    return files


def on_page_markdown(markdown: str, page: SitePage, **_: object) -> str:
    """Puts the table of all codes, and a command's help, where a page asks for them."""
    rows = [f"| [{page.code}](rules/{page.code}.md) | {page.name} | {page.summary} |" for page in pages()]
    table = "\n".join(["| code | name | the condition |", "|---|---|---|", *rows])
    markdown = markdown.replace("<!-- table of codes -->", table)
    return with_help(markdown, Path(page.file.src_uri).stem) if HELP in markdown else markdown


def with_help(markdown: str, name: str) -> str:
    """A command's page with what `--help`, or `--help-all` where there is one, prints."""
    printed = {}
    for option in ("--help", "--help-all"):
        result = CliRunner().invoke(app, [name, option], env={"COLUMNS": "80"})
        if result.exit_code == 0:
            printed[option] = f"```text\n$ ckptdoctor {name} {option}\n{result.output.rstrip()}\n```"
    parts = [printed["--help"]]
    if "--help-all" in printed:
        indented = printed["--help-all"].replace("\n", "\n    ")
        parts.append(f'??? note "All options"\n\n    {indented}')
    return markdown.replace(HELP, "\n\n".join(parts))


def _markdown(page: Page) -> str:
    parts = [f"# {page.code} {page.name}", f"{page.summary[:1].upper()}{page.summary[1:]}.", page.text]
    for title, examples in (("Fires on", page.fires), ("Stays silent on", page.silent)):
        if examples:
            parts += [f"## {title}", *map(_example, examples)]
    return "\n\n".join(parts) + "\n"


def _example(example: Example) -> str:
    parts = [("graph", example.graph), ("checkpoint", example.checkpoint)]
    parts += [(name, text) for name, text in (("load", example.load), ("missing", example.absent)) if text]
    return "```text\n" + "\n".join(f"{name}\n{_indented(text)}" for name, text in parts) + "\n```"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
