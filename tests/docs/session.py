"""A page of the documentation as a session: its files are written, its commands run, its outputs compared.

    ```console      `$ COMMAND`, followed by what it prints; `…` stands for any lines, or within a line for
                    any text
    ```LANGUAGE title="FILE"    a file that the reader writes
    ```text         not run: a picture of something
    <!-- not run: REASON -->    above any other block that is not run

Everything happens in one directory, from the top of a page to its end.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*\Z", re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is, its text, its line in the page, why it is not run."""

    language: str
    title: str
    text: str
    line: int
    reason: str


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page."""
    for match in _FENCE.finditer(page):
        language, _, rest = match["info"].partition(" ")
        title = _TITLE.search(rest)
        text = re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
        reason = _NOT_RUN.search(page[: match.start()])
        line = page.count("\n", 0, match.start()) + 1
        yield Block(language, title[1] if title else "", text, line, reason[1] if reason else "")


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the lines that the page says it prints."""

    text: str
    output: tuple[str, ...]


def commands(block: Block) -> list[Command]:
    """The commands of a console block; a backslash at a line's end continues it."""
    found: list[Command] = []
    lines = block.text.splitlines()
    while lines:
        line = lines.pop(0)
        if not line.startswith("$ "):
            raise ValueError(f"line {block.line}: a console block begins with `$ `, not {line!r}")
        words = line.removeprefix("$ ")
        while words.endswith("\\"):
            words += "\n" + lines.pop(0)
        output = []
        while lines and not lines[0].startswith("$ "):
            output.append(lines.pop(0))
        found.append(Command(words, tuple(output)))
    return found


def environment(home: Path) -> dict[str, str]:
    """What a reader's shell has: this environment's programs first, 80 columns, no colour, a cache of its own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COLUMNS", "FORCE_COLOR"))
    }
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "XDG_CACHE_HOME": str(home),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }


def run(command: Command, directory: Path, home: Path) -> tuple[int, list[str]]:
    """The exit code and the printed lines, errors among them in their order."""
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=directory,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, [line.rstrip() for line in done.stdout.splitlines()]


def agrees(wanted: tuple[str, ...], printed: list[str]) -> bool:
    """Whether an output is what the page says."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == ANYTHING else re.escape(line.rstrip()).replace(ANYTHING, ".*") + r"\n"
        for line in wanted
    )
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in printed)) is not None
