"""Writing a page for a browser."""

from __future__ import annotations

from pathlib import Path

import typer

from ckptdoctor.cli.terminal import quiet
from ckptdoctor.errors import OutputError


def write_page(path: Path, text: str) -> None:
    """Writes a page, over an older one: it is made from what is still there.

    Raises:
        OutputError: it cannot be written, or something is there that is no page.
    """
    if path.exists() and path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"{path} exists and is no .html file", hint="Choose a name that ends with .html.")
    try:
        path.write_text(text, "utf-8", "replace")
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror}", hint="Choose another place.") from error
    if not quiet():
        typer.echo(f"wrote {path}: open it in a browser", err=True)
