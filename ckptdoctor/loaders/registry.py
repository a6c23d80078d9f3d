"""The loaders that are modelled, and which of them bring a checkpoint into a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ckptdoctor.loaders import checkpoint_objects, init_from_checkpoint, keras_calls, slim_assign, tf1_saver
from ckptdoctor.loaders.checkpoint_objects import Assertion
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphKind, GraphSpec
from ckptdoctor.specs.inventory import Inventory


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What a call is given beside the file; each loader takes what it knows.

    Attributes:
        by_name, skip_mismatch: of Keras's `load_weights`.
        assertion: what is asked of the status that `tf.train.Checkpoint.restore` returns.
        names: name in the checkpoint → variable's name, as a `Saver` is given it; None for all variables by their own. For
            `init_from_checkpoint` its assignment map.
        reshape: of a `Saver`, and slim's `reshape_variables`.
        ignore_missing: slim's `ignore_missing_vars`.
    """

    by_name: bool = False
    skip_mismatch: bool = False
    assertion: Assertion = Assertion.NOTHING
    names: Mapping[str, str] | None = None
    reshape: bool = False
    ignore_missing: bool = False


@dataclass(frozen=True, slots=True)
class Loader:
    """A loader: its name for people and options, when it applies, and what it does (None where that cannot be told)."""

    name: str
    applies: Callable[[GraphSpec, Inventory], bool]
    load: Callable[[GraphSpec, Inventory, LoadOptions], Load | None]


def _keras_applies(graph: GraphSpec, inventory: Inventory) -> bool:
    is_keras_2 = graph.keras is not None and graph.keras.generation == 2
    return graph.kind is GraphKind.KERAS_MODEL and (inventory.is_keras or (is_keras_2 and inventory.has_saver))


def _keras(graph: GraphSpec, inventory: Inventory, options: LoadOptions) -> Load | None:
    return keras_calls.load_weights(graph, inventory, options.by_name, options.skip_mismatch)


def _checkpoint_applies(graph: GraphSpec, inventory: Inventory) -> bool:
    return graph.kind in (GraphKind.OBJECTS, GraphKind.KERAS_MODEL) and inventory.has_saver


def _checkpoint(graph: GraphSpec, inventory: Inventory, options: LoadOptions) -> Load | None:
    return checkpoint_objects.restore(graph, inventory, options.assertion)


def _saver_applies(graph: GraphSpec, inventory: Inventory) -> bool:
    return graph.kind in (GraphKind.TENSORFLOW_1, GraphKind.META_GRAPH) and inventory.has_saver


def _saver(graph: GraphSpec, inventory: Inventory, options: LoadOptions) -> Load | None:
    return tf1_saver.restore(graph, inventory, options.names, options.reshape)


def _slim(graph: GraphSpec, inventory: Inventory, options: LoadOptions) -> Load | None:
    return slim_assign.assign_from_checkpoint(graph, inventory, options.names, options.ignore_missing, options.reshape)


def _initializer(graph: GraphSpec, inventory: Inventory, options: LoadOptions) -> Load | None:
    return init_from_checkpoint.initialize(graph, inventory, options.names if options.names is not None else {"/": "/"})


LOADERS = (
    Loader("load_weights", _keras_applies, _keras),
    Loader("tf.train.Checkpoint", _checkpoint_applies, _checkpoint),
    Loader("Saver", _saver_applies, _saver),
    Loader("assign_from_checkpoint_fn", _saver_applies, _slim),
    Loader("init_from_checkpoint", _saver_applies, _initializer),
)
"""In the order in which one is taken where none is asked for."""


def loaders_for(graph: GraphSpec, inventory: Inventory) -> tuple[Loader, ...]:
    """The loaders that bring such a checkpoint into such a graph."""
    return tuple(loader for loader in LOADERS if loader.applies(graph, inventory))


def default_load(graph: GraphSpec, inventory: Inventory, options: LoadOptions | None = None) -> Load | None:
    """What the owner's own call does with a checkpoint; None where no loader takes it, or what it does cannot be told."""
    applying = loaders_for(graph, inventory)
    return applying[0].load(graph, inventory, options or LoadOptions()) if applying else None
