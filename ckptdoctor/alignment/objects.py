"""Variables of a TensorFlow 2 program and the values that `tf.train.Checkpoint.restore` gives them: by objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword

from ckptdoctor.alignment.renaming import Renaming
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.objects import ROOT, ObjectGraph, counterparts

_FROM_FILES = (GraphKind.SAVED_MODEL, GraphKind.CHECKPOINT)

Pairs = tuple[tuple[Variable, Entry], ...]


@dataclass(frozen=True, slots=True)
class ByObjects:
    """What a restore by objects does.

    Attributes:
        call: the expression whose `restore` does it, such as `tf.train.Checkpoint(model=model)`.
        renamings: the pairs that TensorFlow itself follows, and those that stand under another name of the root.
    """

    call: str
    renamings: tuple[Renaming, ...]


def match_objects(
    graph: GraphSpec, variables: Sequence[Variable], entries: Mapping[str, Entry], stored: ObjectGraph
) -> ByObjects | None:
    """Pairs variables with the values of the objects that the same names lead to; None if the graph has no objects.

    Where the program has no `tf.train.Checkpoint` of its own, its model is looked for under every name that the
    checkpoint's root has, and at the root itself.
    """
    if graph.objects is None:
        return None
    starts = [("tf.train.Checkpoint(...)", (ROOT, ROOT))]
    model = graph.objects.child(ROOT, "model") if graph.wrapped else None
    if model is not None:
        roots = {name: child for name, child in stored.objects[ROOT].children if name != "save_counter"}
        starts = [(_holding(name), (model, child)) for name, child in roots.items()]
        starts.sort(key=lambda start: "(model=" not in start[0])
        starts.append(("tf.train.Checkpoint(model)", (model, ROOT)))
    elif graph.kind in _FROM_FILES:
        # A file may be of a model, and the other of a checkpoint that holds it.
        starts += [(_holding(name), (ROOT, child)) for name, child in stored.objects[ROOT].children]
        starts += [("tf.train.Checkpoint(model)", (child, ROOT)) for _, child in graph.objects.objects[ROOT].children]
    found = [(call, _pairs(graph.objects, variables, entries, stored, start)) for call, start in starts]
    call, pairs = max(found, key=lambda item: len(item[1]))  # the first of those with most
    renamings = []
    if pairs:
        evidence = f"{call} finds {len(pairs)} variables by the names that lead to their objects."
        renamings.append(Renaming("objects", "", "", pairs, True, evidence, followed=True))
    if model is None:
        renamings += _under_other_names(graph.objects, variables, entries, stored, pairs)
    return ByObjects(call, tuple(renamings))


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
        found = []
        for other, theirs in roots.items():
            pairs = _pairs(mine, left, free, stored, (child, theirs))
            if pairs and all(variable.spec.shape == entry.spec.shape for variable, entry in pairs):
                found.append((other, pairs))
        most = max((len(pairs) for _, pairs in found), default=0)
        best = [(other, pairs) for other, pairs in found if len(pairs) == most]
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
    found: list[tuple[Variable, Entry]] = []
    taken: set[str] = set()
    for variable in variables:
        other = same.get(variable.node)
        key = stored.objects[other].key if other is not None else ""
        if key in entries and key not in taken:
            taken.add(key)
            found.append((variable, entries[key]))
    return tuple(found)
