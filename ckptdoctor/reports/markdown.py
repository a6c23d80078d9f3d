"""Findings as Markdown, for a comment at a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.view import ShownFinding, View, view_of

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
    for view in map(view_of, diagnoses):
        yield _pair(view)
        yield from map(_finding, view.findings)


def _pair(view: View) -> str:
    counts = view.counts
    mark = (
        ":x:"
        if any(finding.rule.severity == "error" for finding in view.findings)
        else ":white_check_mark:"
        if view.clean
        else ":warning:"
    )
    lines = [
        f"### {mark} {_code(view.graph)} with {_code(view.checkpoint)}",
        "",
        _plain(view.outcome),
        "",
        f"{counts.matched} matched · {counts.mismatched} mismatched · {counts.renamed} renamed · "
        f"{counts.missing} missing · {counts.unexpected} unexpected",
        "",
    ]
    if view.findings:
        lines += ["| | finding | variable | graph (lhs) and checkpoint (rhs) | at |", "|---|---|---|---|---|"]
        for finding in view.findings:
            place = _code(f"{finding.place.file}:{finding.place.line}")
            cells = (finding.rule.code, finding.rule.name, _code(finding.name), finding.sides, place)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _finding(finding: ShownFinding) -> str:
    diagnostic, place = finding.diagnostic, finding.place
    lines = [
        "<details>",
        f"<summary>{finding.rule.code} {finding.rule.name}: {escape(printable(finding.name))}</summary>",
        "",
    ]
    if place.text:
        lines += [_fence(f"{place.line:>4} | {place.text}", "text"), ""]
    lines += [_plain(f"{diagnostic.message} ({diagnostic.confidence})"), ""]
    lines += [f"- {_plain(sentence)}" for sentence in diagnostic.evidence]
    for remedy in finding.remedies:
        kind = f" ({remedy.safety})" if remedy.safety else ""
        lines += ["", f"**help:** {_plain(remedy.title)}{kind}", ""]
        if remedy.text:
            lines.append(_fence(remedy.text, remedy.language))
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
