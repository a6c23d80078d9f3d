"""Graph variables and checkpoint keys, side by side."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ckptdoctor.alignment.layers import group_layers
from ckptdoctor.alignment.matching import match_names
from ckptdoctor.alignment.numbering import renumbered
from ckptdoctor.alignment.objects import match_objects
from ckptdoctor.alignment.renaming import Ambiguity, Renaming
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.near_names import did_you_mean
from ckptdoctor.specs.objects import OBJECT_VALUE

_PLACE = re.compile(r"(^|/)vars/\d+$")
"""What ends a key of Keras 3's own files (Keras 3, keras/src/saving/saving_lib.py, `H5IOStore`)."""

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


def align(
    graph: GraphSpec,
    inventory: Inventory,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Alignment:
    """Pairs every variable with the entry of the same key, and what is left by names and shapes.

    Args:
        graph: the graph.
        inventory: the checkpoint.
        include: scopes; only names that one of them matches from the start take part.
        exclude: scopes; names that one of them matches from the start do not.

    A scope is a regular expression tried at the start of a name, as in tf_slim (`tf_slim/ops/variables.py`,
    `get_variables_to_restore`). The result is one to one and does not depend on the order of the entries.

    Raises:
        UsageError: a scope is no valid regular expression, or matches no name on either side.
    """
    _require_names((*include, *exclude), [*(variable.key for variable in graph.variables), *inventory.variables])
    wanted = _scope_filter(include, exclude)
    entries = {key: entry for key, entry in sorted(inventory.variables.items()) if wanted(key)}
    variables = [variable for variable in graph.variables if wanted(variable.key)]
    found: dict[str, tuple[Entry, Renaming | None]] = {}
    objects = match_objects(graph, variables, entries, inventory.objects) if inventory.objects else None
    for renaming in objects.renamings if objects else ():
        for variable, entry in renaming.pairs:
            found[variable.key] = entries.pop(entry.key), renaming
    for variable in variables:
        if variable.key in entries and variable.key not in found:
            found[variable.key] = entries.pop(variable.key), None
    doubtful = _renumbered(variables, found, entries)
    for key in doubtful & found.keys():
        entry, _ = found.pop(key)
        entries[entry.key] = entry
    missing = [variable for variable in variables if variable.key not in found]
    recorded = _by_place(missing, entries) or _by_recorded_names(missing, entries, doubtful)
    taken = {variable.key for variable, _ in recorded.pairs} if recorded else set()
    held = {entry.key for _, entry in recorded.pairs} if recorded else set()
    # Where the graph's names are paths in an object graph, the keys say more than the variables' own names.
    paths = any(variable.key.endswith(OBJECT_VALUE) for variable in missing)
    names = Counter("" if paths else entry.name for entry in entries.values())
    left = {
        (entry.name if entry.name and names.get(entry.name) == 1 and entry.name not in entries else key): entry
        for key, entry in entries.items()
        if key not in held
    }
    # Keras loads its own files by structure, so other names there break nothing.
    by_structure = graph.kind is GraphKind.KERAS_MODEL and inventory.is_keras
    renamings, ambiguities = match_names(
        [variable for variable in missing if variable.key not in taken],
        [replace(entry, key=label) for label, entry in left.items()],
        doubtful,
        by_structure=by_structure,
    )
    renamings = tuple(
        replace(item, pairs=tuple((variable, left[entry.key]) for variable, entry in item.pairs)) for item in renamings
    )
    ambiguities = tuple(replace(item, entries=tuple(left[entry.key] for entry in item.entries)) for item in ambiguities)
    renamings = (recorded, *renamings) if recorded else renamings
    renamings = tuple(replace(item, followed=by_structure and _at_their_places(item)) for item in renamings)
    for renaming in renamings:
        for variable, entry in renaming.pairs:
            found[variable.key] = entries.pop(entry.key), renaming
    return Alignment(
        graph,
        inventory,
        tuple(Pair(variable, *found[variable.key]) for variable in variables if variable.key in found),
        (*(objects.renamings if objects else ()), *renamings),
        ambiguities,
        tuple(variable for variable in variables if variable.key not in found),
        tuple(entry for _, entry in sorted(entries.items())),
        objects.call if objects else "",
    )


def _by_place(missing: Sequence[Variable], entries: Mapping[str, Entry]) -> Renaming | None:
    """The variables of a Keras 3 model, at the places where Keras itself looks for them in its file."""
    pairs = tuple((item, entries[item.stored]) for item in missing if item.stored in entries)
    if 2 * len(pairs) < len(missing) or not pairs:
        return None  # another model's file: what lies at the same place is another layer
    fitting = sum(Pair(variable, entry).same_shape for variable, entry in pairs)
    evidence = f"Keras keeps these {len(pairs)} variables at these places, and {fitting} of the shapes agree."
    return Renaming("recorded", "", "", pairs, True, evidence)


def _at_their_places(renaming: Renaming) -> bool:
    """Whether Keras finds the entries: by the layers' order, or in Keras 3's own files by the place alone.

    Source: Keras 3, keras/src/saving/saving_lib.py, `_load_state`.
    """
    return not any(
        variable.stored and _PLACE.search(entry.key) and variable.stored != entry.key
        for variable, entry in renaming.pairs
    )


def _by_recorded_names(
    missing: Sequence[Variable], entries: Mapping[str, Entry], doubtful: set[str]
) -> Renaming | None:
    """The variables whose own names the checkpoint records beside its keys."""
    named: dict[str, list[Entry]] = {}
    for key, entry in entries.items():
        if entry.name and key not in doubtful:
            named.setdefault(entry.name, []).append(entry)
    pairs = tuple((item, named[item.key][0]) for item in missing if len(named.get(item.key, ())) == 1)
    if not pairs:
        return None
    examples = "; ".join(f"{variable.key} is {entry.key}" for variable, entry in pairs[:3])
    evidence = f"The checkpoint records these names for {len(pairs)} of its keys: {examples}."
    return Renaming("recorded", "", "", pairs, True, evidence)


def _renumbered(
    variables: Sequence[Variable], found: Mapping[str, tuple[Entry, object]], unexpected: Mapping[str, Entry]
) -> set[str]:
    """The keys, of both sides, of families whose numbers were given anew, with their slots.

    Nothing if all names and shapes agree.
    """
    same = [variable for variable in variables if variable.key in found and found[variable.key][1] is None]
    agree = all(Pair(variable, found[variable.key][0]).same_shape for variable in same)
    if agree and (len(same) == len(variables) or not unexpected):
        return set()
    network = [variable for variable in variables if training_state(variable.key) is None]
    network = [variable for variable in network if variable.key not in found or found[variable.key][1] is None]
    stored = [found[variable.key][0] for variable in network if variable.key in found]
    stored += [entry for key, entry in unexpected.items() if training_state(key) is None]
    keys = renumbered(group_layers(network), group_layers(stored))
    states = {key: training_state(key) for key in [variable.key for variable in variables] + [*unexpected]}
    return {key for key, state in states.items() if key in keys or (state and state.owner in keys)}


def _compiled(scope: str) -> re.Pattern[str]:
    try:
        return re.compile(scope)
    except re.error as error:
        raise UsageError(
            f"scope {error.pattern!r} is no regular expression: {error}", hint="For example --exclude vgg_16/fc8."
        ) from error


def _require_names(scopes: Sequence[str], names: Sequence[str]) -> None:
    for scope in scopes:
        pattern = _compiled(scope)
        if not any(map(pattern.match, names)):
            parents = dict.fromkeys(name.rpartition("/")[0] or name for name in names)
            hint = did_you_mean(scope, parents) or "A scope is tried at the start of a name, as in slim."
            raise UsageError(f"scope {scope!r} matches no name of the graph or the checkpoint", hint=hint)


def _scope_filter(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    included, excluded = [[_compiled(scope) for scope in scopes] for scopes in (include, exclude)]

    def wanted(key: str) -> bool:
        if included and not any(scope.match(key) for scope in included):
            return False
        return not any(scope.match(key) for scope in excluded)

    return wanted
