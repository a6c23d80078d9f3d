"""Keras's `layer_with_weights-N` is the N-th layer of the model that has weights, and every shape agrees in that order.

Sources: see `OBJECT_LAYER`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ckptdoctor.alignment.labelled import GraphLayer, StoredLayer
from ckptdoctor.alignment.layer_renamings import rename_layers
from ckptdoctor.alignment.layers import compatible
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.libraries.dialects import OBJECT_LAYER


def match(state: Unmatched) -> Matches:
    """All layers of the graph, with the checkpoint's in the order of their numbers."""
    how = "Keras numbers a model's layers with weights in their order, and every shape agrees in that order"
    return enumerated(*state.layers(), OBJECT_LAYER, how)


def enumerated(lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer], number: re.Pattern[str], how: str) -> Matches:
    """All layers of the graph in their order, with those of the checkpoint in the order of a number in their names."""
    numbered = {int(place[1]): layer for layer in rhs if (place := number.search(layer.name.scope))}
    if not numbered or len(numbered) != len(lhs):
        return Matches()
    pairs = [(layer, numbered[place]) for layer, place in zip(lhs, sorted(numbered), strict=True)]
    if not all(compatible(a, b) for a, b in pairs):
        return Matches()
    return Matches(renamings=[rename_layers("object order", pairs, True, how)])
