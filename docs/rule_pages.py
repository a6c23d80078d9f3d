"""A mkdocs hook: the page of each code, made from the docstring of its rule and from the rule's own examples."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from ckptdoctor.diagnosis.catalogue import Page, pages
from ckptdoctor.diagnosis.example import Example


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds `rules/CKD###.md` for every code."""
    for page in pages():
        files.append(File.generated(config, f"rules/{page.code}.md", content=_markdown(page)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Puts the table of all codes where a page asks for it."""
    rows = [f"| [{page.code}](rules/{page.code}.md) | {page.name} | {page.summary} |" for page in pages()]
    return markdown.replace(
        "<!-- table of codes -->", "\n".join(["| code | name | the condition |", "|---|---|---|", *rows])
    )


def _markdown(page: Page) -> str:
    parts = [f"# {page.code} {page.name}", f"{page.summary[:1].upper()}{page.summary[1:]}.", page.text]
    for title, examples in (("Fires on", page.fires), ("Stays silent on", page.silent)):
        if examples:
            parts += [f"## {title}", *map(_example, examples)]
    return "\n\n".join(parts) + "\n"


def _example(example: Example) -> str:
    return f"```text\ngraph\n{_indented(example.graph)}\ncheckpoint\n{_indented(example.checkpoint)}\n```"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
