"""One family of causes a file; `HYPOTHESES` lists them. Each gives the causes of its family that fit a symptom."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ckptdoctor.explanation.hypotheses.absences import absences
from ckptdoctor.explanation.hypotheses.environment import environment
from ckptdoctor.explanation.hypotheses.files import files
from ckptdoctor.explanation.hypotheses.heads import heads
from ckptdoctor.explanation.hypotheses.keras_counts import keras_counts
from ckptdoctor.explanation.hypotheses.layouts import layouts
from ckptdoctor.explanation.hypotheses.sizes import sizes
from ckptdoctor.explanation.symptom import Cause, Symptom

Hypothesis = Callable[[Symptom], Iterator[Cause]]

HYPOTHESES: tuple[Hypothesis, ...] = (files, environment, keras_counts, absences, layouts, heads, sizes)
