"""What a rule looks at: the alignment, what no earlier rule has explained, and how the user named things."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ckptdoctor.alignment.pairs import Alignment, Pair
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.formats.fitted_name import fitted_name
from ckptdoctor.specs.command import Command, literal_pattern, operand, own_command
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

    def advise(self, scope: str, repairs: tuple[Remedy, ...]) -> tuple[Remedy, ...]:
        """Repairing the configuration against leaving a scope out, in the order that the purpose asks for."""
        if self.purpose == "inference":
            random = Remedy(f"leaving {scope} out would leave it random, and its outputs mean nothing", "display-only")
            return (*repairs, random)
        if self.purpose == "finetune":
            return (*self.leave_out(scope), *repairs)
        return (*(replace(item, title=f"to infer: {item.title}") for item in repairs), *self.leave_out(scope))

    @property
    def fitted(self) -> str:
        """What to call the rewritten checkpoint."""
        return fitted_name(self.alignment.inventory, self.alignment.graph)

    def convert_command(self, *options: str) -> Command:
        """The command that rewrites the checkpoint for this graph."""
        graph, *graph_options = self.graph_argument
        return own_command(
            "convert",
            operand(self.checkpoint),
            operand(self.fitted),
            "--graph",
            operand(graph),
            *graph_options,
            *options,
        )

    def leave_out(self, scope: str) -> tuple[Remedy, ...]:
        """Restore code that leaves a scope out, so that it starts from its initializer: slim's and today's."""
        slim = Code.of(
            "variables = slim.get_variables_to_restore(exclude=[$pattern])\n"
            "init_fn = slim.assign_from_checkpoint_fn($checkpoint, variables)",
            pattern=literal_pattern(scope),
            checkpoint=self.checkpoint,
        )
        today = Code.of(
            "kept = [v for v in tf.compat.v1.global_variables()\n"
            "        if not v.op.name.startswith($scope)]\n"
            "tf.compat.v1.train.Saver(kept).restore(session, $checkpoint)",
            scope=scope,
            checkpoint=self.checkpoint,
        )
        # What is elsewhere than Keras looks would be skipped, too: all that fits must be put in its place first.
        keras = Code.of(
            "model.load_weights($loaded, skip_mismatch=True)  # Keras formats only\n"
            "# from a TensorFlow checkpoint: tf.train.load_checkpoint(path).get_tensor(key) for each other variable",
            loaded=self.fitted if self.alignment.renamed else self.checkpoint,
        )
        if not self.alignment.graph.has_saver:
            return (Remedy(f"to fine-tune: leave {scope} out and train it anew", "display-only", keras),)
        return (
            Remedy(f"to fine-tune: leave {scope} out and train it anew, with slim", "display-only", slim),
            Remedy("the same with today's TensorFlow (initialise all variables first)", "display-only", today),
        )
