"""The graph's own parameter behind a size: what it is called, as the traced function has it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code, is_identifier


def keyword(case: Case, words: str, values: Mapping[int, int]) -> Code | None:
    """The keyword argument that builds the graph of the checkpoint; None where it is not known which one that is.

    Args:
        case: the case.
        words: a regular expression of what such a parameter is called.
        values: what the parameter may be now → what it has to be.
    """
    candidates = [
        (name, value)
        for name, value in case.alignment.graph.parameters
        if type(value) is int and value in values and is_identifier(name)
    ]
    named = [(name, value) for name, value in candidates if re.search(words, name, re.IGNORECASE)]
    for chosen in (named, candidates):
        if len(chosen) == 1:
            name, value = chosen[0]
            return Code.of(f"{name}=$value", value=values[value])
    return None
