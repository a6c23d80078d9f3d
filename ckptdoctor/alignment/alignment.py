"""Which variable is which key: one matcher after another, each on what the ones before left over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ckptdoctor.alignment.matchers import BY_KEY, BY_NAME
from ckptdoctor.alignment.own_names import at_place
from ckptdoctor.alignment.pairs import Alignment, Pair
from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.scope_filter import scope_filter
from ckptdoctor.alignment.slots import with_slots
from ckptdoctor.alignment.unmatched import Unmatched
from ckptdoctor.loaders.registry import default_load
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory


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
    stored = inventory.variables
    takes_part = scope_filter(include, exclude, [*(variable.key for variable in graph.variables), *stored])
    unmatched = Unmatched(
        graph,
        inventory,
        [variable for variable in graph.variables if takes_part(variable.key)],
        [entry for key, entry in sorted(stored.items()) if takes_part(key)],
        None if inventory.planned else default_load(graph, inventory),
    )
    for matcher in BY_KEY:
        unmatched.take(matcher(unmatched))
    unmatched.read_names()
    for matcher in BY_NAME:
        unmatched.take(matcher(unmatched))
    return _alignment(unmatched)


def _alignment(unmatched: Unmatched) -> Alignment:
    """What was matched and what was not, slots with their variables."""
    by_name = [part for renaming in with_slots(unmatched) for part in _by_follower(unmatched, renaming)]
    renamings = (*unmatched.by_key, *by_name)
    entry_of: dict[str, tuple[Entry, Renaming | None]] = {
        variable.key: (entry, None) for variable, entry in unmatched.equal
    }
    entry_of |= {variable.key: (entry, renaming) for renaming in renamings for variable, entry in renaming.pairs}
    matched = {entry.key for entry, _ in entry_of.values()}
    return Alignment(
        unmatched.graph,
        unmatched.inventory,
        tuple(Pair(variable, *entry_of[variable.key]) for variable in unmatched.variables if variable.key in entry_of),
        renamings,
        tuple(unmatched.ambiguities),
        tuple(variable for variable in unmatched.variables if variable.key not in entry_of),
        tuple(entry for entry in unmatched.entries if entry.key not in matched),
        unmatched.restored_by,
    )


def _by_follower(unmatched: Unmatched, renaming: Renaming) -> Iterator[Renaming]:
    """The part of a renaming that the owner's reader follows by itself, and the part that it does not."""
    parts: dict[bool, list[tuple[Variable, Entry]]] = {True: [], False: []}
    for variable, entry in renaming.pairs:
        parts[_is_followed(unmatched, variable, entry)].append((variable, entry))
    for followed, pairs in parts.items():
        if pairs:
            yield replace(renaming, pairs=tuple(pairs), followed=followed)


def _is_followed(unmatched: Unmatched, variable: Variable, entry: Entry) -> bool:
    """Whether Keras finds an entry: its loader gives it, or would look for it there if it did not fail before.

    By the layers' order, or in Keras 3's own files by the place alone.
    Source: Keras 3, keras/src/saving/saving_lib.py, `_load_state`.
    """
    if not unmatched.by_structure:
        return False
    if unmatched.load is not None and variable.key in unmatched.load.given:
        return unmatched.load.given[variable.key] == entry.key
    return not (variable.stored and at_place(entry.key) and variable.stored != entry.key)
