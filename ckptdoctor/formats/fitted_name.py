"""What to call a checkpoint that is rewritten for a graph: a name of a format that the graph's library loads."""

from __future__ import annotations

from ckptdoctor.specs.graph import GraphKind, GraphSpec
from ckptdoctor.specs.inventory import Inventory

_ENDINGS = (".weights.h5", ".ckpt", ".h5", ".hdf5", ".keras", ".npz", ".safetensors")


def fitted_name(inventory: Inventory, graph: GraphSpec) -> str:
    """The checkpoint's name with `_fitted`, and the ending of a format that the graph's library loads."""
    source = inventory.source.rstrip("/")
    ending = next((ending for ending in _ENDINGS if source.endswith(ending)), "")
    return source.removesuffix(ending) + "_fitted" + _fitting_ending(ending, inventory, graph)


def _fitting_ending(ending: str, inventory: Inventory, graph: GraphSpec) -> str:
    if graph.kind is not GraphKind.KERAS_MODEL or inventory.objects:
        return ".ckpt"
    if inventory.is_keras:
        return ".weights.h5" if ending == ".weights.h5" else ".h5"
    # Keras loads this file by the places of the variables, where those are known.
    return ".weights.h5" if all(variable.stored for variable in graph.variables) else ".ckpt"
