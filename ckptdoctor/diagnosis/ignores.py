"""What the user has said to ignore: comments beside the code, and entries of a pair's configuration.

comment := "# ckptdoctor: ignore[" PATTERN {"," PATTERN} "]"
PATTERN := CODE [":" GLOB]      the glob is matched against the variable's name or the key

A comment holds for the statement that it stands in; on a line of its own, for the statement below.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.graphs.python_graph import seen_from_here
from ckptdoctor.specs.graph import SourceLine

_COMMENT = re.compile(r"#\s*ckptdoctor:\s*ignore\[([^\]]*)\]")
_LAYOUT = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER)


@dataclass(frozen=True, slots=True)
class Ignore:
    """One pattern that was said to be ignored.

    Attributes:
        text: the pattern as it was written.
        location: where it was written.
        lines: the lines, from 1, of the statement that it holds for; None where it holds for the whole pair.
    """

    text: str
    location: SourceLine
    lines: range | None = None

    @property
    def code(self) -> str:
        """The code that it names."""
        return self.text.partition(":")[0].strip()

    def matches(self, diagnostic: Diagnostic) -> bool:
        """Whether it is about this finding."""
        glob = self.text.partition(":")[2].strip()
        if self.code != diagnostic.rule.code:
            return False
        if glob and not any(fnmatchcase(name, glob) for name in (diagnostic.variable, diagnostic.key) if name):
            return False
        if self.lines is None:
            return True
        place = diagnostic.location
        return place is not None and place.line in self.lines and place.file == self.location.file


def read_ignores(files: Iterable[str]) -> tuple[Ignore, ...]:
    """The ignores in comments of Python files; a file that cannot be read as Python has none."""
    return tuple(ignore for file in files for ignore in _of_file(file))


def _of_file(file: str) -> Iterator[Ignore]:
    try:
        text = Path(file).read_text("utf-8")
        if "ckptdoctor:" not in text:
            return
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (OSError, ValueError, SyntaxError, tokenize.TokenError):
        return
    lines = text.splitlines()
    start, pending = 0, list[tokenize.TokenInfo]()
    for token in tokens:
        if token.type == tokenize.COMMENT:
            pending.append(token)
        elif token.type not in _LAYOUT and not start:
            start = token.start[0]
        if token.type == tokenize.NEWLINE:
            for comment in pending:
                row = comment.start[0]
                place = SourceLine(seen_from_here(file), row, lines[row - 1])
                match = _COMMENT.search(comment.string)
                for pattern in match[1].split(",") if match else ():
                    yield Ignore(pattern.strip(), place, range(start, token.start[0] + 1))
            start, pending = 0, []


def apply_ignores(diagnosis: Diagnosis, ignores: Sequence[Ignore]) -> tuple[Diagnosis, frozenset[Ignore]]:
    """The diagnosis without what is ignored, and the ignores that matched something."""
    used: set[Ignore] = set()
    ignored = []
    for diagnostic in diagnosis.findings:
        matching = [ignore for ignore in ignores if ignore.matches(diagnostic)]
        used.update(matching)
        if matching:
            ignored.append(diagnostic)
    kept = tuple(item for item in diagnosis.diagnostics if item not in ignored)
    return replace(diagnosis, diagnostics=kept, ignored=tuple(ignored)), frozenset(used)
