"""A report as a string: what a command prints, without colour."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def plain_text(print_report: Callable[[Console], object], width: int = 80) -> str:
    """What a function prints on a console of `width` columns that has no colours."""
    from rich.console import Console

    text = io.StringIO()
    console = Console(
        file=text, width=width, highlight=False, markup=False, emoji=False, no_color=True, force_terminal=False
    )
    print_report(console)
    return text.getvalue().rstrip("\n")
