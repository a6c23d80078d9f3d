"""`model.load_weights(path)`: the file's name decides which of Keras's loaders it goes to, whatever is in it.

Sources: Keras 3.15, keras/src/saving/saving_api.py, `load_weights`; tf_keras 2.21, tf_keras/src/saving/saving_api.py,
tf_keras/src/saving/legacy/save.py, `load_weights`.
"""

from __future__ import annotations

from dataclasses import replace

from ckptdoctor.loaders import checkpoint_objects, keras3_weights, keras_h5, tf_keras_weights
from ckptdoctor.loaders.checkpoint_objects import Assertion
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory

_STRUCTURED = (".keras", ".weights.h5", ".weights.json")
_LEGACY = (".h5", ".hdf5")
_LEGACY_ONLY = "`by_name` only supports loading legacy '.h5' or '.hdf5' files."


def load_weights(
    graph: GraphSpec, inventory: Inventory, by_name: bool = False, skip_mismatch: bool = False
) -> Load | None:
    """What `model.load_weights(path)` does; None where that cannot be told.

    Args:
        graph: of a Keras model, with its structure.
        inventory: a file of Keras's, or for tf_keras a TensorFlow checkpoint.
        by_name: whether layers are found by their names.
        skip_mismatch: whether what does not fit is warned about instead of raised.
    """
    if graph.keras is None:
        return None
    structured = inventory.source.endswith(_STRUCTURED)
    if graph.keras.generation == 2 and inventory.has_saver:
        load = checkpoint_objects.restore(graph, inventory, Assertion.NONTRIVIAL_MATCH, at_root=True)
        return None if load is None else replace(load, call="model.load_weights(path)")
    if graph.keras.generation == 2:
        if inventory.source.endswith((".keras", ".weights.h5")):
            # tf_keras hands no `by_name` on.
            return tf_keras_weights.load_weights(graph, inventory, skip_mismatch)
        return keras_h5.load_weights(graph, inventory, by_name, skip_mismatch)
    if structured and by_name:
        return _refused(graph, inventory, f"{_LEGACY_ONLY} Received: {inventory.source}")
    if structured:
        return keras3_weights.load_weights(graph, inventory, skip_mismatch)
    if inventory.source.endswith(_LEGACY):
        return keras_h5.load_weights(graph, inventory, by_name, skip_mismatch)
    return _refused(graph, inventory, f"File format not supported: filepath={inventory.source}.")


def _refused(graph: GraphSpec, inventory: Inventory, what: str) -> Load:
    kept = tuple(variable.key for variable in graph.variables)
    return Load("model.load_weights(path)", {}, kept, f"ValueError: {what}", ignored=tuple(inventory.variables))
