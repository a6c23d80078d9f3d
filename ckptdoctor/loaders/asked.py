"""The load that a comparison is about: the call that is asked for, or the one that applies by itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ckptdoctor.errors import UsageError
from ckptdoctor.loaders import checkpoint_objects, tf1_saver
from ckptdoctor.loaders.checkpoint_objects import Assertion
from ckptdoctor.loaders.load import Load
from ckptdoctor.loaders.registry import Loader, LoadOptions, loaders_for
from ckptdoctor.specs.graph import GraphKind, GraphSpec
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.objects import ROOT, SAVE_COUNTER, ObjectGraph

KERAS, CHECKPOINT, SAVER = "load_weights", "tf.train.Checkpoint", "Saver"


@dataclass(frozen=True, slots=True)
class Call:
    """A call, where several are possible.

    Attributes:
        loader: its name in `registry.LOADERS`; empty for the one that applies by itself.
        by_name, skip_mismatch: of `load_weights`.
        expect_partial: of `tf.train.Checkpoint`: nothing is said of what is not restored.
    """

    loader: str = ""
    by_name: bool = False
    skip_mismatch: bool = False
    expect_partial: bool = False


def load_asked(
    graph: GraphSpec,
    inventory: Inventory,
    call: Call,
    *,
    restored_by: str = "",
    wanted: Collection[str] | None = None,
) -> Load | None:
    """What the call does; None where no loader takes such a file into such a graph, or what it does cannot be told.

    Args:
        graph: into what.
        inventory: from what.
        call: the call.
        restored_by: the `tf.train.Checkpoint(...)` whose names lead to most variables; empty where none does.
        wanted: the keys of the variables that take part, where some do not: what leaves the others out is called.

    Raises:
        UsageError: the loader that is named, or that an option belongs to, does not apply.
    """
    load = _load_asked(graph, inventory, call, restored_by, wanted)
    if load is not None and not load.error and inventory.absent:
        kept = tuple(variable.key for variable in graph.variables)
        error = f"NotFoundError: {inventory.absent[0]}; No such file or directory"
        return Load(load.call, {}, kept, error, (), tuple(inventory.variables))
    return load


def _load_asked(
    graph: GraphSpec, inventory: Inventory, call: Call, restored_by: str, wanted: Collection[str] | None
) -> Load | None:
    loader = _chosen(graph, inventory, call, restored_by)
    if loader is None or (loader.name == KERAS and inventory.planned):
        return None
    some = wanted is not None and len(wanted) < len(graph.variables)
    options = LoadOptions(
        call.by_name, call.skip_mismatch, Assertion.PARTIAL if call.expect_partial else Assertion.NOTHING
    )
    if loader.name != KERAS:
        if some and wanted is not None:
            graph = replace(graph, variables=tuple(item for item in graph.variables if item.key in wanted))
        if loader.name == CHECKPOINT and restored_by:
            graph = _under(graph, restored_by)
        load = loader.load(graph, inventory, options)
        if load is not None and loader.name == CHECKPOINT and graph.wrapped and restored_by:
            load = replace(load, call=load.call.replace("tf.train.Checkpoint(model=model)", restored_by))
        return load
    load = loader.load(graph, inventory, options)
    if some and load is not None and load.error and not options.skip_mismatch:
        return loader.load(graph, inventory, replace(options, skip_mismatch=True))
    return load


_OBJECTS = Loader(
    CHECKPOINT,
    lambda graph, inventory: graph.kind is GraphKind.TENSORFLOW_2 and graph.objects is not None,
    lambda graph, inventory, options: checkpoint_objects.restore(graph, inventory, options.assertion),
)
_NAMES = Loader(
    SAVER,
    lambda graph, inventory: graph.has_saver and inventory.has_saver,
    lambda graph, inventory, options: tf1_saver.restore(graph, inventory, options.names, options.reshape),
)


def _chosen(graph: GraphSpec, inventory: Inventory, call: Call, restored_by: str) -> Loader | None:
    possible = list(loaders_for(graph, inventory))
    if not possible and inventory.has_saver:
        if _OBJECTS.applies(graph, inventory) and inventory.objects is not None:
            possible.append(_OBJECTS)
        # What restores by objects and is described by a file has no program whose loader could be asked.
        if _NAMES.applies(graph, inventory) and (not restored_by or call.loader):
            possible.append(_NAMES)
    named = [loader for loader in possible if loader.name == call.loader]
    if call.loader and not named:
        names = [loader.name for loader in possible]
        raise UsageError(
            f"{call.loader} does not bring {inventory.source} ({inventory.format}) into a {graph.kind}",
            hint=f"What does: {', '.join(names)}." if names else "No loader does; ckptdoctor convert may help.",
        )
    chosen = next(iter(named or possible), None)
    for given, option, owner in (
        (call.by_name, "--by-name", KERAS),
        (call.skip_mismatch, "--skip-mismatch", KERAS),
        (call.expect_partial, "--expect-partial", CHECKPOINT),
    ):
        if given and (chosen is None or chosen.name != owner):
            raise UsageError(
                f"{option} is an option of {owner}",
                hint=f"Here {chosen.name} restores." if chosen else "No loader takes this file into this graph.",
            )
    return chosen


def _under(graph: GraphSpec, restored_by: str) -> GraphSpec:
    """The graph whose model is held by a `tf.train.Checkpoint` under the name that an expression gives it."""
    model = graph.objects.child(ROOT, "model") if graph.objects is not None and graph.wrapped else None
    if graph.objects is None or model is None:
        return graph
    root, *others = graph.objects.objects
    counter = tuple(item for item in root.children if item[0] == SAVE_COUNTER)
    name = _held_as(restored_by)
    children = ((name, model),) if name else graph.objects.objects[model].children
    return replace(graph, objects=ObjectGraph((replace(root, children=(*counter, *children)), *others)))


def _held_as(restored_by: str) -> str:
    """The name in `tf.train.Checkpoint(NAME=model)` or `tf.train.Checkpoint(**{'NAME': model})`; empty for the root."""
    import ast

    call = ast.parse(restored_by, mode="eval").body
    if not isinstance(call, ast.Call) or not call.keywords:
        return ""
    keyword = call.keywords[0]
    if keyword.arg:
        return "" if keyword.arg == "root" else keyword.arg  # its first parameter
    key = keyword.value.keys[0] if isinstance(keyword.value, ast.Dict) else None
    return str(key.value) if isinstance(key, ast.Constant) else ""
