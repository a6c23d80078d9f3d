"""Pairs whose names differ, with the reason to believe in them; and names for which no pair can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

Kind = Literal[
    "objects",
    "structure",
    "named",
    "recorded",
    "scope",
    "dialect",
    "numbering",
    "pattern",
    "object order",
    "shape",
    "order",
    "elimination",
]
"""Why names are the same variable's.

`objects` TensorFlow 2 goes from object to object · `structure` Keras loads it so · `named` both sides record that name ·
`recorded` the checkpoint itself says so · `scope` the rest of the name
agrees · `dialect` the same name in another library's words · `numbering` automatic numbers that are shifted · `pattern`
other words, numbers that correspond · `object order` the n-th layer with weights · `shape` the only layer of these
shapes · `order` the same shapes in the same order · `elimination` what is left over.
"""

BY_NAMES: frozenset[Kind] = frozenset({"scope", "dialect", "numbering", "pattern", "object order"})
"""The reasons that names give."""

BY_SHAPES: frozenset[Kind] = frozenset({"shape", "order", "elimination"})
"""The reasons for which names say nothing."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """Variables that the checkpoint has under other names, for one reason.

    Attributes:
        kind: the reason.
        lhs: what stands in the graph's names.
        rhs: what stands in the checkpoint's.
        pairs: the variables and their entries, in the graph's order.
        certain: whether nothing else fits; only then is a rename safe.
        evidence: the reason, in a sentence.
        followed: whether the owner's own reader finds them so: nothing has to be renamed for it.
    """

    kind: Kind
    lhs: str
    rhs: str
    pairs: tuple[tuple[Variable, Entry], ...]
    certain: bool
    evidence: str
    followed: bool = False


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Variables for which several keys fit equally well: none is chosen.

    Attributes:
        kind: what they were compared by.
        variables: the graph's.
        entries: the checkpoint's.
        evidence: why none is better, in a sentence.
    """

    kind: Kind
    variables: tuple[Variable, ...]
    entries: tuple[Entry, ...]
    evidence: str
