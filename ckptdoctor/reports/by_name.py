"""The formats that findings are printed in for programs, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.errors import CkptDoctorError

ReportFormat = Literal["text", "json", "markdown", "sarif", "github", "junit"]


def report(name: ReportFormat, diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> str:
    """The findings of several pairs in one of the formats for programs."""
    from ckptdoctor.reports.check_json import check_to_dict
    from ckptdoctor.reports.github_annotations import github_lines
    from ckptdoctor.reports.json_text import json_text
    from ckptdoctor.reports.junit_xml import junit_text
    from ckptdoctor.reports.markdown import markdown_text
    from ckptdoctor.reports.sarif_json import sarif_to_dict

    match name:
        case "sarif":
            return json_text(sarif_to_dict(diagnoses, errors))
        case "github":
            return "\n".join(github_lines(diagnoses, errors))
        case "junit":
            return junit_text(diagnoses, errors)
        case "markdown":
            return markdown_text(diagnoses, errors)
        case _:
            return json_text(check_to_dict(diagnoses, errors))
