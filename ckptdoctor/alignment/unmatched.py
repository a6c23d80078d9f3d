"""What is left to match, and what was matched: the state that `align` hands from matcher to matcher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ckptdoctor.alignment.labelled import GraphLayer, Labelled, StoredLayer
from ckptdoctor.alignment.layers import group_layers, natural
from ckptdoctor.alignment.renaming import BY_NAMES, BY_SHAPES, Ambiguity, Kind, Renaming
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.objects import OBJECT_VALUE


@dataclass(frozen=True, slots=True)
class Matches:
    """What one matcher says.

    Attributes:
        equal: variables and entries whose keys are equal and mean the same.
        renamings: variables and entries whose names differ, by reason.
        ambiguities: names for which several readings stand: they are withdrawn, and no later matcher reads them.
        doubtful: names that are on both sides and do not mean the same variable.
        restored_by: the `tf.train.Checkpoint(...)` that restores by objects; empty if none does.
    """

    equal: Sequence[tuple[Variable, Entry]] = ()
    renamings: Sequence[Renaming] = ()
    ambiguities: Sequence[Ambiguity] = ()
    doubtful: Collection[str] = ()
    restored_by: str = ""


class Unmatched:
    """What no matcher so far has joined.

    Attributes:
        graph, inventory: both sides, whole.
        variables: the variables that take part, in the graph's order.
        entries: the entries that take part, in the order of their keys.
        missing: the variables without an entry, in the graph's order.
        unexpected: the entries without a variable, in the order of their keys.
        equal: variables and entries of equal keys.
        labels: the name of each entry, by its key.
        by_key: the renamings that were found before names were read.
        renamings, ambiguities: what was found since.
        doubtful: names that are on both sides and do not mean the same variable.
        restored_by: the `tf.train.Checkpoint(...)` that restores by objects; empty if none does.
        load: what the owner's loader does by itself; None where that is not known.
    """

    def __init__(
        self,
        graph: GraphSpec,
        inventory: Inventory,
        variables: Sequence[Variable],
        entries: Sequence[Entry],
        load: Load | None = None,
    ) -> None:
        self.graph, self.inventory, self.load = graph, inventory, load
        self.variables, self.entries = tuple(variables), tuple(entries)
        self.missing = [Labelled(variable.key, variable) for variable in variables]
        self.unexpected = [Labelled(entry.key, entry) for entry in entries]
        self.labels = {entry.key: entry.key for entry in entries}
        self.equal: list[tuple[Variable, Entry]] = []
        self.by_key: list[Renaming] = []
        self.renamings: list[Renaming] = []
        self.ambiguities: list[Ambiguity] = []
        self.doubtful: set[str] = set()
        self.restored_by = ""

    def take(self, matches: Matches) -> None:
        """Records what a matcher says, and leaves its names out of what is still to be matched."""
        self.equal += matches.equal
        self.renamings += matches.renamings
        self.ambiguities += matches.ambiguities
        self.doubtful |= set(matches.doubtful)
        self.restored_by = self.restored_by or matches.restored_by
        pairs = [*matches.equal, *(pair for item in matches.renamings for pair in item.pairs)]
        variables = {variable.key for variable, _ in pairs}
        entries = {entry.key for _, entry in pairs}
        variables.update(variable.key for item in matches.ambiguities for variable in item.variables)
        entries.update(entry.key for item in matches.ambiguities for entry in item.entries)
        if variables or entries:
            self.missing = [item for item in self.missing if item.value.key not in variables]
            self.unexpected = [item for item in self.unexpected if item.value.key not in entries]

    def read_names(self) -> None:
        """From here on an entry goes by the variable's own name where the checkpoint records one beside the key.

        It does not where two entries have that name or one has it for a key. Where the graph's names are paths in an
        object graph, the keys, which are paths too, say more than the variables' own names.
        """
        self.by_key, self.renamings = self.renamings, []
        if any(item.key.endswith(OBJECT_VALUE) for item in self.missing):
            return
        entries = [item.value for item in self.unexpected]
        named = Counter(entry.name for entry in entries)
        keys = {entry.key for entry in entries}
        self.labels |= {
            entry.key: entry.name
            for entry in entries
            if entry.name and named[entry.name] == 1 and entry.name not in keys
        }
        self.unexpected = [Labelled(self.labels[entry.key], entry) for entry in entries]

    @property
    def by_structure(self) -> bool:
        """Whether layers belong together by their order, whatever their names: a Keras model and a file of Keras's own."""
        return self.graph.kind is GraphKind.KERAS_MODEL and self.inventory.is_keras

    @property
    def systematic(self) -> bool:
        """Whether names joined half of the network or more: where all of them differ, shapes may say what is left."""
        return len(self.missing) + len(self._explained(BY_SHAPES)) <= len(self._explained(BY_NAMES))

    def _explained(self, kinds: frozenset[Kind]) -> set[str]:
        """The keys of the variables that reasons of these kinds joined, or left open."""
        renamed = {variable.key for item in self.renamings if item.kind in kinds for variable, _ in item.pairs}
        return renamed | {
            variable.key for item in self.ambiguities if item.kind in kinds for variable in item.variables
        }

    def one_sided(self) -> tuple[list[Labelled[Variable]], list[Labelled[Entry]]]:
        """The names that are not doubtful: they are on one side only."""
        return (
            [item for item in self.missing if not self._is_doubtful(item)],
            [item for item in self.unexpected if not self._is_doubtful(item)],
        )

    def _is_doubtful(self, item: Labelled[Variable] | Labelled[Entry]) -> bool:
        return item.key in self.doubtful or item.value.key in self.doubtful

    def layers(self, *, doubtful: bool = False) -> tuple[list[GraphLayer], list[StoredLayer]]:
        """The layers of the network that are left: the graph's in its order, the checkpoint's in the order of numbers."""
        network = [item for item in self.missing if training_state(item.key) is None]
        stored = [item for item in self.unexpected if training_state(item.key) is None]
        return (
            group_layers(item for item in network if self._is_doubtful(item) == doubtful),
            sorted(
                group_layers(item for item in stored if self._is_doubtful(item) == doubtful),
                key=lambda layer: natural(layer.name.scope),
            ),
        )
