"""An explanation as JSON, `ckptdoctor.explain/1`."""

from __future__ import annotations

from typing import Any

from ckptdoctor.diagnosis.explanation.explanation import Explanation

SCHEMA = "ckptdoctor.explain/1"


def explain_to_dict(explanation: Explanation) -> dict[str, Any]:
    """The explanation as plain values, causes best first."""
    symptom = explanation.symptom
    return {
        "schema": SCHEMA,
        "symptom": {
            "mismatches": [
                {"variable": m.variable, "lhs": list(m.lhs), "rhs": list(m.rhs)} for m in symptom.mismatches
            ],
            "missing": list(symptom.missing),
            "path": symptom.path,
        },
        "causes": [
            {
                "cause": cause.name,
                "code": cause.code or None,
                "confidence": cause.confidence,
                "evidence": list(cause.evidence),
                "remedies": list(cause.remedies),
            }
            for cause in explanation.causes
        ],
    }
