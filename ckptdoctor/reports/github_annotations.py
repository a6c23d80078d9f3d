"""Findings as GitHub's workflow commands, which become annotations beside the lines of a pull request.

Source: GitHub, actions/toolkit, packages/core/src/command.ts, `escapeData` and `escapeProperty`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.remedy_text import remedy_text
from ckptdoctor.reports.sides import show_sides


def github_lines(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> Iterator[str]:
    """A line a finding, and one an error."""
    for error in errors:
        yield f"::error title={_property(f'{error.code} ckptdoctor'.strip())}::{_data(f'{error.message}{chr(10)}{error.hint}')}"
    for diagnosis in diagnoses:
        for item in diagnosis.findings:
            place = diagnosis.place_of(item)
            title = _property(f"{item.rule.code} {item.rule.name}")
            name = printable(item.variable or item.key)
            text = [f"{name}: {show_sides(item)}".removesuffix(": "), item.message]
            if item.remedies:
                text.append(remedy_text(item.remedies[0]))
            where = f"file={_property(place.file)},line={place.line}"
            yield f"::{item.rule.severity} {where},title={title}::{_data(chr(10).join(text))}"


def _data(text: str) -> str:
    return text.strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
