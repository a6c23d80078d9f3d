"""What to call a checkpoint that is rewritten for a graph: a name of a format that the graph's library loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ckptdoctor.io.store import LOCAL
from ckptdoctor.specs.graph import GraphKind, GraphSpec
from ckptdoctor.specs.inventory import Inventory

if TYPE_CHECKING:
    from ckptdoctor.formats.format import Format

_SAVED_MODEL = ("saved_model.pb", "saved_model.pbtxt")
_PREFIX = ".ckpt"
"""How a prefix of a tensor bundle ends by custom; the format asks for none."""


def fitted_name(inventory: Inventory, graph: GraphSpec, *, partial: bool = False) -> str:
    """The checkpoint's name with `_fitted`, and the ending of a format that the graph's library loads.

    Where only a part of it fits, that is the format in which the library skips the rest layer by layer.
    """
    from ckptdoctor.formats.keras_v3 import KERAS_WEIGHTS
    from ckptdoctor.formats.registry import WRITTEN

    source = inventory.source.rstrip("/")
    folder = saved_model_folder(source)
    if folder is not None:
        source = str(folder)
    known = (_PREFIX, *(ending for record in WRITTEN.values() for ending in record.endings))
    ending = max((ending for ending in known if source.endswith(ending)), key=len, default="")
    target = KERAS_WEIGHTS if partial else _loaded_by(graph, inventory, ending)
    return source.removesuffix(ending) + "_fitted" + (target.endings[0] if target.endings else _PREFIX)


def saved_model_folder(path: str) -> Path | None:
    """The SavedModel that a path leads into; None if it leads into none."""
    folders = list(Path(path).parents)[:2]
    return next((folder for folder in folders if any(LOCAL.is_file(folder / name) for name in _SAVED_MODEL)), None)


def _loaded_by(graph: GraphSpec, inventory: Inventory, ending: str) -> Format:
    """The format that the graph's library loads what is in this checkpoint from."""
    from ckptdoctor.formats.keras_h5 import KERAS_H5
    from ckptdoctor.formats.keras_v3 import KERAS_WEIGHTS
    from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE

    if graph.kind is not GraphKind.KERAS_MODEL:
        return TENSOR_BUNDLE
    placed = all(variable.stored for variable in graph.variables)
    if placed and _is_keras_3(graph):
        # The one format that Keras 3 loads by places: nested models and weights outside of layers are in it, too.
        return KERAS_WEIGHTS
    if inventory.objects:
        return TENSOR_BUNDLE
    if inventory.is_keras:
        return KERAS_WEIGHTS if ending in KERAS_WEIGHTS.endings else KERAS_H5
    # Keras loads this file by the places of the variables, where those are known.
    return KERAS_WEIGHTS if placed else KERAS_H5 if graph.keras is not None else TENSOR_BUNDLE


def _is_keras_3(graph: GraphSpec) -> bool:
    return graph.keras.generation > 2 if graph.keras is not None else bool(graph.config)
