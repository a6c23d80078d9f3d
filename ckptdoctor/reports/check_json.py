"""A repository's check as JSON, `ckptdoctor.check/2`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.diff_json import diff_to_dict

SCHEMA = "ckptdoctor.check/2"


def check_to_dict(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError]) -> dict[str, Any]:
    """Each pair as `ckptdoctor.diff/2` has it, and what kept others from being compared."""
    return {
        "schema": SCHEMA,
        "pairs": [diff_to_dict(diagnosis) for diagnosis in diagnoses],
        "errors": [{"code": error.code or None, "message": error.message, "hint": error.hint} for error in errors],
    }
