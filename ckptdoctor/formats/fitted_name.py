"""What to call a checkpoint that is rewritten for a graph: a name of a format that the graph's library loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckptdoctor.specs.graph import GraphKind, GraphSpec
from ckptdoctor.specs.inventory import Inventory

if TYPE_CHECKING:
    from ckptdoctor.formats.format import Format

_PREFIX = ".ckpt"
"""How a prefix of a tensor bundle ends by custom; the format asks for none."""


def fitted_name(inventory: Inventory, graph: GraphSpec, *, partial: bool = False) -> str:
    """The checkpoint's name with `_fitted`, and the ending of a format that the graph's library loads.

    Where only a part of it fits, that is the format in which the library skips the rest layer by layer.
    """
    from ckptdoctor.formats.keras_v3 import KERAS_WEIGHTS
    from ckptdoctor.formats.registry import WRITTEN

    source = inventory.source.rstrip("/")
    known = (_PREFIX, *(ending for record in WRITTEN.values() for ending in record.endings))
    ending = max((ending for ending in known if source.endswith(ending)), key=len, default="")
    target = KERAS_WEIGHTS if partial else _loaded_by(graph, inventory, ending)
    return source.removesuffix(ending) + "_fitted" + (target.endings[0] if target.endings else _PREFIX)


def _loaded_by(graph: GraphSpec, inventory: Inventory, ending: str) -> Format:
    """The format that the graph's library loads what is in this checkpoint from."""
    from ckptdoctor.formats.keras_h5 import KERAS_H5
    from ckptdoctor.formats.keras_v3 import KERAS_WEIGHTS
    from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE

    if graph.kind is not GraphKind.KERAS_MODEL or inventory.objects:
        return TENSOR_BUNDLE
    if inventory.is_keras:
        return KERAS_WEIGHTS if ending in KERAS_WEIGHTS.endings else KERAS_H5
    # Keras loads this file by the places of the variables, where those are known.
    return KERAS_WEIGHTS if all(variable.stored for variable in graph.variables) else TENSOR_BUNDLE
