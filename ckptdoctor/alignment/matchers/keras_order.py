"""Keras's own files: the layers of each kind in their order, whatever their names.

Believed of a Keras model and a file of Keras's own, for a kind of layer of which both have as many, if half of the shapes
agree. Sources: Keras 3, keras/src/saving/saving_lib.py, `_load_container_state` (`conv2d`, `conv2d_1`, … by position);
Keras 2, keras/saving/legacy/hdf5_format.py, `load_weights_from_hdf5_group` (layers with weights by position).
"""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.alignment.labelled import LayerPair
from ckptdoctor.alignment.layer_renamings import rename_layers
from ckptdoctor.alignment.layers import Item, Layer, compatible
from ckptdoctor.alignment.unmatched import Matches, Unmatched


def match(state: Unmatched) -> Matches:
    """The layers of each kind, in their order."""
    if not state.by_structure:
        return Matches()
    lhs, rhs = state.layers()
    stored_by_ranks = _by_ranks(rhs)
    pairs: list[LayerPair] = []
    for ranks, layers in _by_ranks(lhs).items():
        others = stored_by_ranks.get(ranks, [])
        fitting = sum(compatible(a, b) for a, b in zip(layers, others, strict=False))
        if len(layers) == len(others) and 2 * fitting >= len(layers):
            pairs += zip(layers, others, strict=True)
    if not pairs:
        return Matches()
    how = "Keras loads its own files by the order of the layers, and that is how they are compared"
    return Matches(renamings=[rename_layers("object order", pairs, True, how)])


def _by_ranks(layers: Sequence[Layer[Item]]) -> dict[frozenset[tuple[str, int]], list[Layer[Item]]]:
    """Layers by the roles and ranks of their variables: a kind of layer, as far as weights tell."""
    kinds: dict[frozenset[tuple[str, int]], list[Layer[Item]]] = {}
    for layer in layers:
        ranks = frozenset((role, len(item.spec.shape)) for role, item in layer.roles.items())
        kinds.setdefault(ranks, []).append(layer)
    return kinds
