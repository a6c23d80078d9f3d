"""The one layer with a kernel that names and shapes leave over on either side, if all but one size of it agrees.

Never certain: a new layer and an unused one may have as much in common.
"""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.alignment.labelled import GraphLayer, LayerPair, StoredLayer
from ckptdoctor.alignment.layer_renamings import rename_layers
from ckptdoctor.alignment.layers import flat, has_kernel
from ckptdoctor.alignment.unmatched import Matches, Unmatched


def match(state: Unmatched) -> Matches:
    """The last layer, with one size changed."""
    pairs = _left_over(*state.layers()) if state.systematic else []
    how = "It is the one layer that is left on either side, and all but one size agrees"
    return Matches(renamings=[rename_layers("elimination", pairs, False, how)] if pairs else [])


def _left_over(lhs: Sequence[GraphLayer], rhs: Sequence[StoredLayer]) -> list[LayerPair]:
    mine, theirs = [layer for layer in lhs if has_kernel(layer)], [layer for layer in rhs if has_kernel(layer)]
    if len(mine) != 1 or len(theirs) != 1:
        return []
    shared = [role for role in mine[0].roles if role in theirs[0].roles]
    for role in shared:
        a, b = flat(mine[0].roles[role].spec.shape), flat(theirs[0].roles[role].spec.shape)
        if len(a) == len(b) >= 2 and sum(x == y for x, y in zip(a, b, strict=True)) >= len(a) - 1:
            return [(mine[0], theirs[0])]
    return []
