"""Variables of a TensorFlow 2 program and the values that `tf.train.Checkpoint.restore` gives them: by objects.

TensorFlow walks both object graphs from their roots and restores what the same names lead to.
Source: TensorFlow, tensorflow/python/checkpoint/restore.py, `CheckpointPosition._queue_children_for_restoration`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from keyword import iskeyword

from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.alignment.unmatched import Matches, Unmatched
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.objects import ROOT, ObjectGraph, counterparts

_FROM_FILES = (GraphKind.SAVED_MODEL, GraphKind.CHECKPOINT)

Pairs = tuple[tuple[Variable, Entry], ...]


def match(state: Unmatched) -> Matches:
    """Variables and the values of the objects that the same names lead to; nothing if one side has no objects.

    Where the program has no `tf.train.Checkpoint` of its own, its model is looked for under every name that the
    checkpoint's root has, and at the root itself.
    """
    mine, stored = state.graph.objects, state.inventory.objects
    if mine is None or stored is None:
        return Matches()
    model = mine.child(ROOT, "model") if state.graph.wrapped else None
    entries = {entry.key: entry for entry in state.entries}
    ways = [
        (call, _pairs(mine, state.variables, entries, stored, start))
        for call, start in _starts(state.graph, mine, stored, model)
    ]
    call, pairs = max(ways, key=lambda way: len(way[1]))  # the first of those with most
    renamings = []
    if pairs:
        evidence = f"{call} finds {len(pairs)} variables by the names that lead to their objects."
        renamings.append(Renaming("objects", "", "", pairs, True, evidence, followed=True))
    if model is None:
        renamings += _under_other_names(mine, state.variables, entries, stored, pairs)
    # A model may be held under any name: none that leads to no variable is the one that is meant.
    return Matches(renamings=renamings, restored_by=call if pairs or model is None else "")


def _starts(
    graph: GraphSpec, mine: ObjectGraph, stored: ObjectGraph, model: int | None
) -> list[tuple[str, tuple[int, int]]]:
    """The calls that could restore, each with the objects of both sides at which it starts."""
    starts = [("tf.train.Checkpoint(...)", (ROOT, ROOT))]
    children = stored.objects[ROOT].children
    if model is not None:
        roots = {name: child for name, child in children if name != "save_counter"}
        starts = [(_holding(name), (model, child)) for name, child in roots.items()]
        starts.sort(key=lambda start: "(model=" not in start[0])
        starts.append(("tf.train.Checkpoint(model)", (model, ROOT)))
    elif graph.kind in _FROM_FILES:
        # A file may be of a model, and the other of a checkpoint that holds it.
        starts += [(_holding(name), (ROOT, child)) for name, child in children]
        starts += [("tf.train.Checkpoint(model)", (child, ROOT)) for _, child in mine.objects[ROOT].children]
    return starts


def _holding(name: str) -> str:
    """The expression of a checkpoint that holds a model under a name, which need be no identifier."""
    plain = name.isidentifier() and not iskeyword(name)
    return f"tf.train.Checkpoint({name}=model)" if plain else f"tf.train.Checkpoint(**{{{name!r}: model}})"


def _under_other_names(
    mine: ObjectGraph, variables: Sequence[Variable], entries: Mapping[str, Entry], stored: ObjectGraph, done: Pairs
) -> Iterator[Renaming]:
    """What the program's root calls by one name and the checkpoint's by another, where only one can be meant."""
    keys = {item.key for pair in done for item in pair}
    left = [variable for variable in variables if variable.key not in keys]
    free = {key: entry for key, entry in entries.items() if key not in keys}
    roots = dict(stored.objects[ROOT].children)
    for name, child in mine.objects[ROOT].children:
        if name in roots:
            continue
        candidates = []
        for other, theirs in roots.items():
            pairs = _pairs(mine, left, free, stored, (child, theirs))
            if pairs and all(variable.spec.shape == entry.spec.shape for variable, entry in pairs):
                candidates.append((other, pairs))
        most = max((len(pairs) for _, pairs in candidates), default=0)
        best = [(other, pairs) for other, pairs in candidates if len(pairs) == most]
        if len(best) == 1:
            other, pairs = best[0]
            evidence = f"Below {other} the same names lead to {len(pairs)} variables of the same shapes."
            yield Renaming("scope", name, other, pairs, True, evidence)


def _pairs(
    mine: ObjectGraph,
    variables: Sequence[Variable],
    entries: Mapping[str, Entry],
    stored: ObjectGraph,
    start: tuple[int, int],
) -> Pairs:
    same = counterparts(mine, stored, start)
    pairs: list[tuple[Variable, Entry]] = []
    taken: set[str] = set()
    for variable in variables:
        other = same.get(variable.node)
        key = stored.objects[other].key if other is not None else ""
        if key in entries and key not in taken:
            taken.add(key)
            pairs.append((variable, entries[key]))
    return tuple(pairs)
