"""From a text to ranked causes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ckptdoctor.diagnosis.explanation.causes import CODES
from ckptdoctor.diagnosis.explanation.hypotheses import HYPOTHESES
from ckptdoctor.diagnosis.explanation.messages import recognise
from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a text reports, and the causes that fit, best first, each once."""

    symptom: Symptom
    causes: tuple[Cause, ...]


def explain(text: str) -> Explanation:
    """The causes that fit an error message or a traceback."""
    symptom = recognise(text)
    best: dict[str, Cause] = {}
    for hypothesis in HYPOTHESES:
        for cause in hypothesis(symptom):
            cause = replace(cause, code=cause.code or CODES.get(cause.cause, ""))  # noqa: PLW2901
            known = best.get(cause.cause)
            if known is None or cause.score > known.score:
                best[cause.cause] = cause
    return Explanation(symptom, tuple(sorted(best.values(), key=lambda cause: -cause.score)))
