"""Graph variables and checkpoint keys, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckptdoctor.alignment.renaming import Ambiguity, Renaming
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory

Status = Literal["matched", "mismatched", "renamed", "missing", "unexpected"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A variable and the entry that holds its value, under the variable's own key or (renamed) under another.

    Attributes:
        variable: the graph's side.
        entry: the checkpoint's.
        renaming: why they are believed to be the same where the names differ; None where they are equal.
    """

    variable: Variable
    entry: Entry
    renaming: Renaming | None = None

    @property
    def same_shape(self) -> bool:
        """Whether the declared and the stored shape agree; an unknown size agrees with any."""
        lhs, rhs = self.variable.spec.shape, self.entry.spec.shape
        if not self.variable.shape_known:
            return True
        return len(lhs) == len(rhs) and all(a in (-1, b) for a, b in zip(lhs, rhs, strict=True))

    @property
    def same_dtype(self) -> bool:
        """Whether the declared and the stored type agree."""
        return self.variable.spec.dtype == self.entry.spec.dtype

    @property
    def status(self) -> Status:
        """Mismatched in shape or dtype; else renamed, if only the key is another; else matched."""
        if not (self.same_shape and self.same_dtype):
            return "mismatched"
        return "renamed" if self.renamed else "matched"

    @property
    def renamed(self) -> bool:
        """Whether the checkpoint has it under another key, so that a restore does not find it."""
        followed = self.renaming is not None and self.renaming.followed
        return self.variable.key != self.entry.key and not followed


@dataclass(frozen=True, slots=True)
class Alignment:
    """The result of comparing a graph with a checkpoint.

    Attributes:
        graph: the left-hand side.
        inventory: the right-hand side.
        pairs: variables with an entry, in the graph's order.
        renamings: the reasons behind the pairs whose names differ.
        ambiguities: variables for which several keys fit; they are among the missing.
        missing: variables without one.
        unexpected: entries without a variable, in the order of their keys.
        restored_by: the `tf.train.Checkpoint(...)` that restores by objects, if that is how both sides work; else empty.
    """

    graph: GraphSpec
    inventory: Inventory
    pairs: tuple[Pair, ...]
    renamings: tuple[Renaming, ...]
    ambiguities: tuple[Ambiguity, ...]
    missing: tuple[Variable, ...]
    unexpected: tuple[Entry, ...]
    restored_by: str = ""

    @property
    def matched(self) -> tuple[Pair, ...]:
        """Pairs that agree, name included."""
        return tuple(pair for pair in self.pairs if pair.status == "matched")

    @property
    def renamed(self) -> tuple[Pair, ...]:
        """Pairs that agree in all but the name."""
        return tuple(pair for pair in self.pairs if pair.status == "renamed")

    @property
    def mismatched(self) -> tuple[Pair, ...]:
        """Pairs that disagree in shape or dtype, whatever their names."""
        return tuple(pair for pair in self.pairs if pair.status == "mismatched")
