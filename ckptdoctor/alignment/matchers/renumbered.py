"""Layers whose automatic numbers were given anew, so that equal names mean other layers.

Believed: a shift of all numbers of a family that fits every layer of it; else the layers whose shapes occur once.
Source of the numbers: TensorFlow, tensorflow/python/framework/ops.py, `Graph.unique_name`; Keras,
keras/src/utils/naming.py, `auto_name` (both count on as long as the process or the graph lives).
"""

from __future__ import annotations

from ckptdoctor.alignment.families import correspondences
from ckptdoctor.alignment.layer_renamings import rename_layers, same_shapes, without
from ckptdoctor.alignment.matchers.numbers import numbered, rivals
from ckptdoctor.alignment.matchers.shapes import by_unique_shape, undecided
from ckptdoctor.alignment.renaming import Ambiguity, Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched


def match(state: Unmatched) -> Matches:
    """The layers of doubtful names: a shift of all, else the shapes that occur once."""
    lhs, rhs = state.layers(doubtful=True)
    renamings: list[Renaming] = []
    ambiguities: list[Ambiguity] = []
    for readings in correspondences(lhs, rhs, whole=True):
        joined = [pair for reading in readings for pair in (*reading.pairs, *reading.conflicting)]
        lhs, rhs = without(lhs, (a for a, _ in joined)), without(rhs, (b for _, b in joined))
        if len(readings) == 1:
            renamings.append(numbered(readings[0]))
        else:
            ambiguities.append(rivals("numbering", readings))
    unique = by_unique_shape(lhs, rhs, vectors=True)
    if unique:
        how = "Shapes contradict the numbers in these names, and each layer is the only one of its shape"
        renamings.append(rename_layers("numbering", unique, True, how))
    lhs, rhs = without(lhs, (a for a, _ in unique)), without(rhs, (b for _, b in unique))
    ambiguities += [same_shapes("numbering", *layers) for layers in undecided(lhs, rhs, vectors=True)]
    return Matches(renamings=renamings, ambiguities=ambiguities)
