"""A sentence or two, wrapped to the terminal and indented."""

from __future__ import annotations

import textwrap

from rich.console import Console
from rich.text import Text

from ckptdoctor.reports.printable import printable

_WIDEST = 100

ITEM = "- "
"""The label of a list's item."""


def print_paragraph(console: Console, text: str, *, label: str = "", style: str = "", indent: int = 0) -> None:
    """Prints text behind a styled label; following lines are indented as far as the label, those of a list's item further."""
    width = min(console.width, _WIDEST)
    lines = textwrap.wrap(
        label + printable(text),
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + (len(label) if label == ITEM else 0)),
        break_long_words=False,
        break_on_hyphens=False,
    )
    first, *rest = lines or [" " * indent + label]
    console.print(Text.assemble(" " * indent, (label, style), first[indent + len(label) :]), soft_wrap=True)
    for line in rest:
        console.print(Text(line), soft_wrap=True)
