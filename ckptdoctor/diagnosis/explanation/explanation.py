"""From a text to ranked causes."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from ckptdoctor.diagnosis.catalogue import pages
from ckptdoctor.diagnosis.diagnostic import Confidence
from ckptdoctor.diagnosis.explanation.hypotheses import HYPOTHESES
from ckptdoctor.diagnosis.explanation.messages import recognise
from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom

_CERTAIN, _LIKELY = 0.9, 0.6
_MOST_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class RankedCause:
    """A cause that fits a text.

    Attributes:
        name: of the rule that finds it when graph and checkpoint are at hand, or of the condition where there is no rule.
        code: of that rule; empty where there is none: what only a message can show (a missing kernel, memory).
        score: 0 to 1.
        evidence: the arithmetic or the words that speak for it, the best first.
        remedies: what to do or to check.
    """

    name: str
    code: str
    score: float
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def confidence(self) -> Confidence:
        """The score in words."""
        return "certain" if self.score >= _CERTAIN else "likely" if self.score >= _LIKELY else "possible"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a text reports, and the causes that fit, best first, each once."""

    symptom: Symptom
    causes: tuple[RankedCause, ...]


def explain(text: str) -> Explanation:
    """The causes that fit an error message or a traceback."""
    symptom = recognise(text)
    by_name: dict[str, list[Cause]] = {}
    for hypothesis in HYPOTHESES:
        for cause in hypothesis(symptom):
            by_name.setdefault(cause.name, []).append(cause)
    codes = {page.name: page.code for page in pages()}
    ranked = [_together(causes, codes.get(name, "")) for name, causes in by_name.items()]
    return Explanation(symptom, tuple(sorted(ranked, key=attrgetter("score"), reverse=True)))


def _together(causes: list[Cause], code: str) -> RankedCause:
    """The causes of one name as one, which has the score of the best and what speaks most for it."""
    best = sorted(causes, key=attrgetter("score"), reverse=True)
    by_evidence: dict[str, Cause] = {}
    for cause in best:
        by_evidence.setdefault(cause.evidence, cause)
    shown = list(by_evidence.values())[:_MOST_EVIDENCE]
    remedies = dict.fromkeys(remedy for cause in shown for remedy in cause.remedies)
    return RankedCause(best[0].name, code, best[0].score, tuple(cause.evidence for cause in shown), tuple(remedies))
