"""What a rule looks at: the alignment, what no earlier rule has explained, and how the user named things."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ckptdoctor.alignment.alignment import Alignment, Pair
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.specs.graph import GraphKind, Variable
from ckptdoctor.specs.inventory import Entry

Purpose = Literal["finetune", "inference", "either"]
"""What the checkpoint is wanted for."""

_ENDINGS = (".weights.h5", ".ckpt", ".h5", ".hdf5", ".keras", ".npz", ".safetensors")


@dataclass(frozen=True, slots=True)
class Case:
    """The disagreements that are still unexplained.

    Attributes:
        alignment: everything, explained or not.
        graph_argument: the graph and its options, as a command line has them.
        mismatched, missing, unexpected: what is left to explain.
        purpose: what the checkpoint is wanted for.
    """

    alignment: Alignment
    graph_argument: str
    mismatched: tuple[Pair, ...]
    missing: tuple[Variable, ...]
    unexpected: tuple[Entry, ...]
    purpose: Purpose = "either"

    @property
    def checkpoint(self) -> str:
        """The checkpoint as a command line has it."""
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
        """What to call the rewritten checkpoint: a format that the graph's library loads."""
        source = self.checkpoint.rstrip("/")
        ending = next((ending for ending in _ENDINGS if source.endswith(ending)), "")
        return source.removesuffix(ending) + "_fitted" + self._fitting_ending(ending)

    def _fitting_ending(self, ending: str) -> str:
        graph, inventory = self.alignment.graph, self.alignment.inventory
        if graph.kind is not GraphKind.KERAS_MODEL or inventory.objects:
            return ".ckpt"
        if inventory.is_keras:
            return ".weights.h5" if ending == ".weights.h5" else ".h5"
        # Keras loads this file by the places of the variables, where those are known.
        return ".weights.h5" if all(variable.stored for variable in graph.variables) else ".ckpt"

    def convert_command(self, *options: str) -> str:
        """The command that rewrites the checkpoint for this graph."""
        return " ".join(["ckptdoctor convert", self.checkpoint, self.fitted, "--graph", self.graph_argument, *options])

    def leave_out(self, scope: str) -> tuple[Remedy, ...]:
        """Restore code that leaves a scope out, so that it starts from its initializer: slim's and today's."""
        slim = (
            f"variables = slim.get_variables_to_restore(exclude=['{scope}'])\n"
            f"init_fn = slim.assign_from_checkpoint_fn('{self.checkpoint}', variables)"
        )
        today = (
            "kept = [v for v in tf.compat.v1.global_variables()\n"
            f"        if not v.op.name.startswith('{scope}')]\n"
            f"tf.compat.v1.train.Saver(kept).restore(session, '{self.checkpoint}')"
        )
        # What is elsewhere than Keras looks would be skipped, too: all that fits must be put in its place first.
        loaded = self.fitted if self.alignment.renamed else self.checkpoint
        keras = (
            f"model.load_weights('{loaded}', skip_mismatch=True)  # Keras formats only\n"
            "# from a TensorFlow checkpoint: tf.train.load_checkpoint(path).get_tensor(key) for each other variable"
        )
        if not self.alignment.graph.has_saver:
            return (Remedy(f"to fine-tune: leave {scope} out and train it anew", "display-only", keras),)
        return (
            Remedy(f"to fine-tune: leave {scope} out and train it anew, with slim", "display-only", slim),
            Remedy("the same with today's TensorFlow (initialise all variables first)", "display-only", today),
        )
