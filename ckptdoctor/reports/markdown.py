"""Findings as Markdown, for a comment at a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from ckptdoctor.diagnosis.diagnosis import Diagnosis, outcome
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.sides import show_sides

_LONGEST = 60_000
"""Characters; GitHub takes 65,536 in a comment (GitHub, REST API, "Create an issue comment")."""


def markdown_text(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> str:
    """A heading a pair, a table of its findings, and each finding to fold out, as many as fit into a comment."""
    parts, length, left_out = [], 0, 0
    for part in _parts(diagnoses, errors):
        if length + len(part) > _LONGEST:
            left_out += 1
            continue
        parts.append(part)
        length += len(part)
    if left_out:
        parts.append(f"_{left_out} more parts are left out, because a comment has an end: run the command itself._\n")
    return "\n".join(parts)


def _parts(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError]) -> Iterator[str]:
    for error in errors:
        yield f"### :x: ckptdoctor could not compare\n\n{_plain(error.message)}\n\n{_fence(error.hint, 'text')}"
    for diagnosis in diagnoses:
        yield _pair(diagnosis)
        yield from (_finding(diagnosis, item) for item in diagnosis.findings)


def _pair(diagnosis: Diagnosis) -> str:
    alignment, found = diagnosis.alignment, diagnosis.findings
    mark = (
        ":x:"
        if any(item.rule.severity == "error" for item in found)
        else ":warning:"
        if found
        else ":white_check_mark:"
    )
    lines = [
        f"### {mark} {_code(diagnosis.graph_argument)} with {_code(alignment.inventory.source)}",
        "",
        _plain(outcome(alignment)),
        "",
        f"{len(alignment.matched)} matched · {len(alignment.mismatched)} mismatched · {len(alignment.renamed)} renamed · "
        f"{len(alignment.missing)} missing · {len(alignment.unexpected)} unexpected",
        "",
    ]
    if found:
        lines += ["| | finding | variable | graph (lhs) and checkpoint (rhs) | at |", "|---|---|---|---|---|"]
        for item in found:
            place = diagnosis.place_of(item)
            cells = (
                item.rule.code,
                item.rule.name,
                _code(item.variable or item.key),
                show_sides(item),
                _code(f"{place.file}:{place.line}"),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _finding(diagnosis: Diagnosis, item: Diagnostic) -> str:
    place = diagnosis.place_of(item)
    lines = [
        "<details>",
        f"<summary>{item.rule.code} {item.rule.name}: {escape(printable(item.variable or item.key))}</summary>",
        "",
    ]
    if place.text:
        lines += [_fence(f"{place.line:>4} | {place.text}", "text"), ""]
    lines += [_plain(f"{item.message} ({item.confidence})"), ""]
    lines += [f"- {_plain(sentence)}" for sentence in item.evidence]
    for remedy in item.remedies:
        kind = "" if remedy.safety == "display-only" else f" ({remedy.safety})"
        lines += ["", f"**help:** {_plain(remedy.title)}{kind}", ""]
        if remedy.code:
            lines.append(_fence(remedy.code, "console" if remedy.code.startswith("ckptdoctor ") else "python"))
    return "\n".join([*lines, "", "</details>", ""])


def _plain(text: str) -> str:
    """Text that no character of can be taken for Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", escape(printable(text.replace("\n", " ")), quote=False))


def _code(text: str) -> str:
    """Text as code, within more backticks than it has in a row."""
    text = printable(text)
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{text}{ticks}" if len(ticks) == 1 else f"{ticks} {text} {ticks}"


def _fence(text: str, language: str) -> str:
    ticks = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"
