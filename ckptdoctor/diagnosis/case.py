"""What a rule looks at: the alignment, what no earlier rule has explained, and how the user named things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ckptdoctor.alignment.pairs import Alignment, Pair
from ckptdoctor.formats.fitted_name import fitted_name
from ckptdoctor.specs.command import Command, operand, own_command
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry

Purpose = Literal["finetune", "inference", "either"]
"""What the checkpoint is wanted for."""


@dataclass(frozen=True, slots=True)
class Case:
    """The disagreements that are still unexplained.

    Attributes:
        alignment: everything, explained or not.
        graph_argument: the graph and its options, as arguments of a command.
        mismatched, missing, unexpected: what is left to explain.
        purpose: what the checkpoint is wanted for.
    """

    alignment: Alignment
    graph_argument: tuple[str, ...]
    mismatched: tuple[Pair, ...]
    missing: tuple[Variable, ...]
    unexpected: tuple[Entry, ...]
    purpose: Purpose = "either"

    @property
    def checkpoint(self) -> str:
        """The checkpoint as a command can name it."""
        return self.alignment.inventory.source

    def without(self, covered: frozenset[str]) -> Case:
        """The case when these variables and keys are explained."""
        return Case(
            self.alignment,
            self.graph_argument,
            tuple(pair for pair in self.mismatched if pair.entry.key not in covered),
            tuple(variable for variable in self.missing if variable.key not in covered),
            tuple(entry for entry in self.unexpected if entry.key not in covered),
            self.purpose,
        )

    @property
    def fitted(self) -> str:
        """What to call the rewritten checkpoint."""
        return fitted_name(self.alignment.inventory, self.alignment.graph)

    @property
    def fitted_partly(self) -> str:
        """What to call it where its loader is to skip what does not fit."""
        return fitted_name(self.alignment.inventory, self.alignment.graph, partial=True)

    def convert_command(self, *options: str, partial: bool = False) -> Command:
        """The command that rewrites the checkpoint for this graph."""
        graph, *graph_options = self.graph_argument
        return own_command(
            "convert",
            operand(self.checkpoint),
            operand(self.fitted_partly if partial else self.fitted),
            "--graph",
            operand(graph),
            *graph_options,
            *options,
        )
