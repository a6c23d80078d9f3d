"""What an error message says, whoever raised it."""

from __future__ import annotations

from dataclasses import dataclass

from ckptdoctor.specs.tensor import Shape


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two shapes that a message names; `variable` is empty where it names none."""

    variable: str
    lhs: Shape
    rhs: Shape

    @property
    def differing(self) -> tuple[int, ...]:
        """The dimensions that differ; empty if the ranks do."""
        if len(self.lhs) != len(self.rhs):
            return ()
        return tuple(axis for axis, (a, b) in enumerate(zip(self.lhs, self.rhs, strict=True)) if a != b)


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a text reports.

    Attributes:
        text: the text itself, in one line.
        mismatches: shapes that differ, lhs = graph.
        missing: keys that the graph wants and the checkpoint lacks.
        uninitialized: variables that nothing initialised.
        layers: (stored, in the model), where a Keras message counts layers.
        weights: (stored, expected), where a Keras message counts a layer's weights.
        path: the file or pattern that was not found or not readable.
    """

    text: str
    mismatches: tuple[Mismatch, ...] = ()
    missing: tuple[str, ...] = ()
    uninitialized: tuple[str, ...] = ()
    layers: tuple[int, int] | None = None
    weights: tuple[int, int] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that fits a symptom, as one hypothesis finds it.

    Attributes:
        name: of the rule that finds it when graph and checkpoint are at hand, or of the condition where there is no rule.
        score: 0 to 1, for ranking.
        evidence: the arithmetic or the words that speak for it.
        remedies: what to do or to check.
    """

    name: str
    score: float
    evidence: str
    remedies: tuple[str, ...] = ()
