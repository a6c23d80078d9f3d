"""Draws docs/images/diff.svg from what ckptdoctor prints: `python docs/pictures.py`."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_name("images") / "diff.svg"
COMMAND = ["diff", "dense_vgg.py", "vgg_16.ckpt", "--input", "images:Nx224x224x3"]
LINES = 29
"""The first finding, whole."""


def printed(color: str) -> str:
    """What the command prints on the demo's files, up to the end of the first finding."""
    with tempfile.TemporaryDirectory() as directory:
        doctor = [sys.executable, "-m", "ckptdoctor"]
        subprocess.run([*doctor, "demo", directory, "--files-only"], check=True, capture_output=True)
        done = subprocess.run(
            [*doctor, *COMMAND, "--color", color], cwd=directory, capture_output=True, text=True, check=False
        )
    return "\n".join(done.stdout.splitlines()[:LINES])


def text_of(picture: str) -> list[str]:
    """The lines that a picture shows."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in re.findall(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        rows.setdefault(float(y), []).append((float(x), unescape(text).replace("\xa0", " ")))
    return ["".join(text for _, text in sorted(row)).strip() for _, row in sorted(rows.items())]


def main() -> None:
    """Draws it."""
    console = Console(record=True, width=84, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(Text("$ ckptdoctor " + " ".join(COMMAND), style="bold"))
    console.print()
    console.print(Text.from_ansi(printed("always")))
    PICTURE.parent.mkdir(exist_ok=True)
    svg = console.export_svg(title="ckptdoctor", unique_id="diff")
    # The font would be loaded from elsewhere: the reader's own stands in for it.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    PICTURE.write_text(re.sub("Fira Code", "DejaVu Sans Mono, Menlo, Consolas", svg), "utf-8")


if __name__ == "__main__":
    main()
