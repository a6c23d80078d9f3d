"""One family of causes a file; `HYPOTHESES` lists them. Each gives the causes of its family that fit a symptom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ckptdoctor.diagnosis.explanation.hypotheses.absences import absences
from ckptdoctor.diagnosis.explanation.hypotheses.environment import environment
from ckptdoctor.diagnosis.explanation.hypotheses.files import files
from ckptdoctor.diagnosis.explanation.hypotheses.heads import heads
from ckptdoctor.diagnosis.explanation.hypotheses.keras_counts import keras_counts
from ckptdoctor.diagnosis.explanation.hypotheses.layouts import layouts
from ckptdoctor.diagnosis.explanation.hypotheses.sizes import sizes
from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom

Hypothesis = Callable[[Symptom], Iterator[Cause]]

HYPOTHESES: tuple[Hypothesis, ...] = (files, environment, keras_counts, absences, layouts, heads, sizes)
