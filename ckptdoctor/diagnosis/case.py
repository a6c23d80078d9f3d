"""What a rule looks at: the alignment, what no earlier rule has explained, and how the user named things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ckptdoctor.alignment.pairs import Alignment, Pair
from ckptdoctor.diagnosis.agreement import Agreement
from ckptdoctor.diagnosis.diagnostic import Diagnostic
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
        agreement: what the loader does against what is meant; None where what it does is not known.
        explained: whether an error was found already.
        covered: the variables and keys that errors and warnings cover.
    """

    alignment: Alignment
    graph_argument: tuple[str, ...]
    mismatched: tuple[Pair, ...]
    missing: tuple[Variable, ...]
    unexpected: tuple[Entry, ...]
    purpose: Purpose = "either"
    agreement: Agreement | None = None
    explained: bool = False
    covered: frozenset[str] = frozenset()

    @property
    def load_is_explained(self) -> bool:
        """Whether a finding says already why variables keep their values: an error, or what covers one of them."""
        kept = self.agreement.kept if self.agreement else ()
        keys = {variable.key for variable, _ in kept} | {pair.entry.key for _, pair in kept if pair}
        return self.explained or bool(keys & self.covered)

    @property
    def checkpoint(self) -> str:
        """The checkpoint as a command can name it."""
        return self.alignment.inventory.source

    def without(self, findings: Sequence[Diagnostic]) -> Case:
        """The case when what these findings cover is explained."""
        covered = frozenset[str]().union(*(item.covers for item in findings))
        severe = [item for item in findings if item.rule.severity != "info"]
        return replace(
            self,
            mismatched=tuple(pair for pair in self.mismatched if pair.entry.key not in covered),
            missing=tuple(variable for variable in self.missing if variable.key not in covered),
            unexpected=tuple(entry for entry in self.unexpected if entry.key not in covered),
            explained=self.explained or any(item.rule.severity == "error" for item in findings),
            covered=self.covered.union(*(item.covers for item in severe)),
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
