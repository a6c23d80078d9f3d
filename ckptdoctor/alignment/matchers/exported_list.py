"""An exported model's list of variables, `variables/N`: all of them in the model's order, and every shape agrees in it.

Source: see `LISTED_VARIABLE`.
"""

from __future__ import annotations

from ckptdoctor.alignment.layers import split_layers
from ckptdoctor.alignment.matchers.object_order import enumerated
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.libraries.dialects import LISTED_VARIABLE


def match(state: Unmatched) -> Matches:
    """All variables of the graph, with the entries in the order of the list."""
    lhs, rhs = state.layers()
    how = "An exported model lists its variables in their order, and every shape agrees in that order"
    return enumerated(split_layers(lhs), split_layers(rhs), LISTED_VARIABLE, how)
