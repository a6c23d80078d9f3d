"""A restore that is to be described."""

from __future__ import annotations

from dataclasses import dataclass

from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory

Pairs = tuple[tuple[Variable, Entry], ...]


@dataclass(frozen=True, slots=True)
class Restore:
    """A restore, and the variables that it does not give what they declare.

    Attributes:
        graph: what is restored.
        inventory: from what.
        by_objects: the `tf.train.Checkpoint(...)` that restores by objects, if that is how both sides work; else empty.
        absent: the keys of the variables that are not found.
        wrong_dtype, wrong_shape: the variables that are found and declare something else than is stored.
    """

    graph: GraphSpec
    inventory: Inventory
    by_objects: str = ""
    absent: tuple[str, ...] = ()
    wrong_dtype: Pairs = ()
    wrong_shape: Pairs = ()
