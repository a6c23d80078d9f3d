"""Findings as GitHub's workflow commands, which become annotations beside the lines of a pull request.

Source: GitHub, actions/toolkit, packages/core/src/command.ts, `escapeData` and `escapeProperty`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.view import view_of


def github_lines(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> Iterator[str]:
    """A line a finding, and one an error."""
    for error in errors:
        yield f"::error title={_property(f'{error.code} ckptdoctor'.strip())}::{_data(f'{error.message}{chr(10)}{error.hint}')}"
    for view in map(view_of, diagnoses):
        for finding in view.findings:
            title = _property(f"{finding.rule.code} {finding.rule.name}")
            text = [f"{printable(finding.name)}: {finding.sides}".removesuffix(": "), finding.diagnostic.message]
            text += [remedy.plain for remedy in finding.remedies[:1]]
            where = f"file={_property(finding.place.file)},line={finding.place.line}"
            yield f"::{finding.rule.severity} {where},title={title}::{_data(chr(10).join(text))}"


def _data(text: str) -> str:
    return text.strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
