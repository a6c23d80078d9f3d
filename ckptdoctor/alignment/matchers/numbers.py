"""Families of numbered layers: other words, and numbers that correspond.

`block1_conv1` is `conv1/conv1_1` if all members of both families correspond so, and their shapes with them. Where the
numbers fit in several ways, none is believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.alignment.families import Correspondence, correspondences
from ckptdoctor.alignment.layer_renamings import SHOWN, rename_layers, values_of
from ckptdoctor.alignment.renaming import Ambiguity, Kind, Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched


def match(state: Unmatched) -> Matches:
    """The families that correspond."""
    renamings: list[Renaming] = []
    ambiguities: list[Ambiguity] = []
    for readings in correspondences(*state.layers()):
        if len(readings) == 1:
            renamings.append(numbered(readings[0]))
        else:
            ambiguities.append(rivals("pattern", readings))
    return Matches(renamings=renamings, ambiguities=ambiguities)


def numbered(reading: Correspondence) -> Renaming:
    """Two families as a renaming."""
    kind: Kind = "numbering" if reading.lhs == reading.rhs else "pattern"
    how = "The numbers in the names correspond, and the shapes agree"
    if kind == "numbering":
        how = "The automatic numbers are shifted, and the shapes agree"
    if reading.conflicting:
        how += f" in all but {len(reading.conflicting)}"
    return rename_layers(kind, [*reading.pairs, *reading.conflicting], not reading.conflicting, how)


def rivals(kind: Kind, readings: Sequence[Correspondence]) -> Ambiguity:
    """Families that correspond in several ways."""
    ways = " or ".join(f"{item.pairs[0][0].name.scope} is {item.pairs[0][1].name.scope}" for item in readings[:SHOWN])
    left = {id(a): a for item in readings for a, _ in item.pairs}.values()
    right = {id(b): b for item in readings for _, b in item.pairs}.values()
    evidence = f"The numbers fit in {len(readings)} ways: {ways}."
    return Ambiguity(kind, values_of(left), values_of(right), evidence)
