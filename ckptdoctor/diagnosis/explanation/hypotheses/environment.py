"""Failures of the machine that are dressed as restore errors, and messages that say too little."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom

_ENVIRONMENT = re.compile(
    r"No OpKernel|OOM|out of memory|Resource exhausted|libcuda|cudnn|CUDA_ERROR|not registered", re.IGNORECASE
)
_WRAPPER = "Restoring from checkpoint failed"


def environment(symptom: Symptom) -> Iterator[Cause]:
    """A missing kernel or memory; or a wrapper whose original error is not shown."""
    if match := _ENVIRONMENT.search(symptom.text):
        yield Cause(
            "misleading-environment-error",
            0.9,
            f"{match[0]}: the machine, and not the checkpoint.",
            ("Read the text after `Original error:`; try on the CPU, or with less memory in use.",),
        )
    elif _WRAPPER in symptom.text and not (symptom.mismatches or symptom.missing):
        bare = symptom.text.rstrip().endswith("Original error:")
        advice = (
            "The original error stands further down in the log: explain that one.",
            "ckptdoctor diff GRAPH CHECKPOINT",
        )
        yield Cause(
            "misleading-environment-error", 0.58 if bare else 0.4, "The wrapper hides the original error.", advice
        )
        yield Cause("class-count", 0.5, "A mismatch of graph and checkpoint, most often in the last layer.", advice)
        yield Cause("other-depth", 0.35, "Or another variant of the network.", advice)
