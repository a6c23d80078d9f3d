"""Keras's legacy loader of HDF5 weights, `load_weights` of `.h5`: by the order of the layers, or by their names.

Where it goes by order, names mean nothing: the file's layers that have weights, in the order of `layer_names`, are paired
with those of `model.layers`, and within a layer its weights in the order of `weight_names`. A model within the model is one
layer. Where it goes by name, a name leads to layers of `model.layers`; within those it goes by order all the same.

Sources: Keras 3.15, keras/src/legacy/saving/legacy_h5_format.py, `load_weights_from_hdf5_group`,
`load_weights_from_hdf5_group_by_name`, `_set_weights`; tf_keras 2.21, tf_keras/src/saving/legacy/hdf5_format.py, the same
two and `preprocess_weights_for_loading`; tf_keras/src/saving/legacy/save.py, `load_weights`; tf_keras/src/backend.py,
`batch_set_value` (nothing is assigned before every layer has been looked at).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory, StoredGroup
from ckptdoctor.specs.keras_model import KerasLayer, KerasModel
from ckptdoctor.specs.tensor import Shape

_TOP_LEVEL = "top_level_model_weights"
_ORDER_ONLY_STRICT = "When calling model.load_weights, skip_mismatch can only be set to True when by_name is True."
_COMPARED = "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"

_CONVOLUTIONS = frozenset({"Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D"})
_WRAPPERS = frozenset({"Bidirectional", "TimeDistributed", "Model", "Sequential", "Functional"})
_GATES = {"LSTM": 4, "CuDNNLSTM": 8, "CuDNNGRU": 6}
"""How many biases a recurrent layer has for each unit, by which tf_keras tells cuDNN's weights from the others."""


class _UnknownError(Exception):
    """It cannot be told what is loaded."""


class _RaisedError(Exception):
    """The load ends with an error, `Class: first line`."""


def load_weights(
    graph: GraphSpec, inventory: Inventory, by_name: bool = False, skip_mismatch: bool = False
) -> Load | None:
    """What `model.load_weights(path)` does with a file of Keras 1 or 2; None where that cannot be told.

    Args:
        graph: of a Keras model, with its structure.
        inventory: an HDF5 file that records `layer_names`.
        by_name: whether layers are found by their names.
        skip_mismatch: whether what does not fit is warned about instead of raised.
    """
    model = graph.keras
    if model is None or model.repeats(variable.key for variable in graph.variables):
        return None
    assignments = _Assignments(model, inventory)
    load = _load_in_keras_3 if model.generation == 3 else _load_in_keras_2
    error = ""
    try:
        load(assignments, by_name, skip_mismatch)
    except _UnknownError:
        return None
    except _RaisedError as raised:
        error = str(raised)
    given = {model.variables[number].key: key for number, key in assignments.given.items()}
    used = set(given.values())
    options = ", by_name=True" * by_name + ", skip_mismatch=True" * skip_mismatch
    return Load(
        f"model.load_weights(path{options})",
        {variable.key: given[variable.key] for variable in graph.variables if variable.key in given},
        tuple(variable.key for variable in graph.variables if variable.key not in given),
        error,
        tuple(assignments.warnings),
        tuple(key for key in inventory.variables if key not in used),
    )


@dataclass(slots=True)
class _Assignments:
    """A model and a file, and what has been assigned."""

    model: KerasModel
    inventory: Inventory
    given: dict[int, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def layers(self) -> list[StoredGroup]:
        """The layers that the file records, in its order; Keras 3's own files record none."""
        recorded = [group for group in self.inventory.groups if group.path.rpartition("/")[2] != "vars"]
        return [group for group in recorded if group.name != _TOP_LEVEL]

    @property
    def top_level(self) -> StoredGroup | None:
        """What the file records of the model's own variables."""
        return next((group for group in self.inventory.groups if group.name == _TOP_LEVEL), None)

    def paired(self) -> list[tuple[KerasLayer, StoredGroup]]:
        """The model's layers that have weights and the file's, by order."""
        layers = [layer for layer in self.model.layers if layer.weights]
        groups = [group for group in self.layers if group.keys]
        if len(layers) != len(groups):
            raise _RaisedError(
                "ValueError: Layer count mismatch when loading weights from file. "
                f"Model expected {len(layers)} layers, found {len(groups)} saved layers."
            )
        return list(zip(layers, groups, strict=True))

    def named(self) -> list[tuple[int, KerasLayer, StoredGroup]]:
        """Each layer of the file with those of the model that have its name, and its position in the file."""
        return [
            (position, layer, group)
            for position, group in enumerate(self.layers)
            for layer in self.model.layers
            if layer.name and layer.name == group.name
        ]

    def stored_shape(self, key: str) -> Shape:
        """The shape of a stored weight."""
        entry = self.inventory.entries.get(key)
        if entry is None:
            raise _RaisedError(f"KeyError: '{key.rpartition('/')[2]}'")
        return entry.spec.shape

    def shape(self, number: int) -> Shape:
        """The shape of a variable."""
        return self.model.variables[number].spec.shape

    def name(self, number: int) -> str:
        """What a message calls a variable."""
        return self.model.variables[number].key + (":0" if self.model.generation == 2 else "")

    def fits(self, number: int, key: str, owner: str, skip: bool) -> bool:
        """Whether a stored weight has a variable's shape; where it has not, that is warned about or raised."""
        expected, stored = self.shape(number), self.stored_shape(key)
        if expected == stored:
            return True
        what = f"for weight {self.name(number)}. Weight expects shape {expected}. Received saved weight with shape {stored}"
        if not skip:
            raise _RaisedError(f"ValueError: Shape mismatch in {owner}{what}")
        self.warnings.append(f"Skipping loading weights for {owner}due to mismatch in shape {what}")
        return False


def _count_in_layer(position: int, layer: KerasLayer, stored: str, count: int) -> str:
    saved = f" in the current model, {stored} in the save file" if stored else ""
    return (
        f"ValueError: Weight count mismatch for layer #{position} (named {layer.name}{saved}). "
        f"Layer expects {len(layer.weights)} weight(s). Received {count} saved weight(s)"
    )


def _count_at_top(of_what: str, expected: int, stored: int) -> str:
    return (
        f"ValueError: Weight count mismatch for top-level weights {of_what}. "
        f"Model expects {expected} top-level weight(s). Received {stored} saved top-level weight(s)"
    )


def _count_skipped(position: int, layer: KerasLayer, count: int) -> str:
    return (
        f"Skipping loading of weights for layer #{position} (named {layer.name}) due to mismatch in number of weights. "
        f"Layer expects {len(layer.weights)} weight(s). Received {count} saved weight(s)"
    )


def _count_skipped_at_top(expected: int, stored: int) -> str:
    return (
        "Skipping loading top-level weights for model due to mismatch in number of weights. "
        f"Model expects {expected} top-level weight(s). Received {stored} saved top-level weight(s)"
    )


def _load_in_keras_3(assignments: _Assignments, by_name: bool, skip: bool) -> None:
    """Each layer is loaded before the next one is looked at."""
    top = assignments.top_level
    if by_name:
        for position, layer, stored in assignments.named():
            if len(stored.keys) == len(layer.weights):
                _assign(assignments, layer.weights, stored.keys, f"layer #{position} (named {layer.name})", skip)
            elif skip:
                assignments.warnings.append(_count_skipped(position, layer, len(stored.keys)))
            else:
                raise _RaisedError(_count_in_layer(position, layer, "", len(stored.keys)))
        own = assignments.model.top_level_by_name
        if top is not None and len(top.keys) != len(own):
            if not skip:
                raise _RaisedError(_count_at_top("of model", len(own), len(top.keys)))
            assignments.warnings.append(_count_skipped_at_top(len(own), len(top.keys)))
        elif top is not None:
            _assign(assignments, own, top.keys, "top-level model", skip)
        return
    for position, (layer, stored) in enumerate(assignments.paired()):
        if len(stored.keys) != len(layer.weights):
            raise _RaisedError(_count_in_layer(position, layer, stored.name, len(stored.keys)))
        _assign(assignments, layer.weights, stored.keys, f"layer #{position} (named {layer.name})", skip)
    if top is not None:
        found = assignments.model.top_level
        if found is None:
            raise _RaisedError(f"ValueError: {_COMPARED}")
        if len(top.keys) != len(found):
            raise _RaisedError(_count_at_top("when loading weights from file", len(found), len(top.keys)))
        _assign(assignments, found, top.keys, "top-level model", skip)


def _assign(assignments: _Assignments, weights: Sequence[int], keys: Sequence[str], owner: str, skip: bool) -> None:
    for key in keys:
        assignments.stored_shape(key)  # all are read before the first is assigned
    for number, key in zip(weights, keys, strict=True):
        if assignments.fits(number, key, owner, skip):
            assignments.given[number] = key


def _load_in_keras_2(assignments: _Assignments, by_name: bool, skip: bool) -> None:
    """Every layer is looked at before the first is loaded."""
    if skip and not by_name:
        raise _RaisedError(f"ValueError: {_ORDER_ONLY_STRICT}")
    if by_name:
        _load_in_keras_2_by_name(assignments, skip)
        return
    pairs: list[tuple[int, str]] = []
    for position, (layer, stored) in enumerate(assignments.paired()):
        _require_unconverted(assignments, layer, stored)
        if len(stored.keys) != len(layer.weights):
            raise _RaisedError(_count_in_layer(position, layer, stored.name, len(stored.keys)))
        pairs += zip(layer.weights, stored.keys, strict=True)
    top, own = assignments.top_level, assignments.model.top_level_by_name
    if top is not None:
        if len(top.keys) != len(own):
            raise _RaisedError(_count_at_top("when loading weights from file", len(own), len(top.keys)))
        pairs += zip(own, top.keys, strict=True)
    for number, key in pairs:
        expected, stored_shape = assignments.shape(number), assignments.stored_shape(key)
        if expected != stored_shape:
            raise _RaisedError(
                f"ValueError: Cannot assign value to variable ' {assignments.name(number)}': Shape mismatch."
                f"The variable shape {expected}, and the assigned value shape {stored_shape} are incompatible."
            )
        assignments.given[number] = key


def _load_in_keras_2_by_name(assignments: _Assignments, skip: bool) -> None:
    pairs: dict[int, str] = {}
    for position, layer, stored in assignments.named():
        _require_unconverted(assignments, layer, stored)
        owner = f"layer #{position} (named {layer.name}) "
        if len(stored.keys) == len(layer.weights):
            matched = zip(layer.weights, stored.keys, strict=True)
            pairs |= {number: key for number, key in matched if assignments.fits(number, key, owner, skip)}
        elif skip:
            assignments.warnings.append(_count_skipped(position, layer, len(stored.keys)))
        else:
            raise _RaisedError(_count_in_layer(position, layer, "", len(stored.keys)))
    top, own = assignments.top_level, assignments.model.top_level_by_name
    if top is not None and len(top.keys) != len(own):
        if not skip:
            raise _RaisedError(_count_at_top("of model", len(own), len(top.keys)))
        assignments.warnings.append(_count_skipped_at_top(len(own), len(top.keys)))
    elif top is not None:
        for number, key in zip(own, top.keys, strict=True):
            expected, stored_shape = assignments.shape(number), assignments.stored_shape(key)
            what = f"{assignments.name(number)}. Weight expects shape {expected}. Received saved weight with shape {stored_shape}"
            if expected == stored_shape:
                pairs[number] = key
            elif skip:
                assignments.warnings.append(
                    f"Skipping loading top-level weight for model due to mismatch in shape for weight {what}"
                )
            else:
                raise _RaisedError(f"ValueError: Shape mismatch in model for top-level weight {what}")
    assignments.given.update(pairs)


def _require_unconverted(assignments: _Assignments, layer: KerasLayer, stored: StoredGroup) -> None:
    """Gives up where tf_keras may rearrange a layer's weights before it loads them.

    It leaves them as they are where all have the shapes of the layer's variables, in a file of Keras 2 or 3.
    """
    kind = layer.class_name
    rearranged = kind in _CONVOLUTIONS or kind in _WRAPPERS or kind in _GATES or kind == "GRU"
    if not rearranged:
        return
    if assignments.inventory.keras_version in ("", "1"):
        raise _UnknownError  # Keras 1 had other layouts
    shapes = [assignments.stored_shape(key) for key in stored.keys]
    expected = [assignments.shape(number) for number in layer.weights]
    if kind in _CONVOLUTIONS:
        if shapes[:1] != expected[:1]:
            raise _UnknownError  # a kernel of another shape is transposed first
    elif kind in _WRAPPERS:
        if shapes != expected or not layer.sequential:
            raise _UnknownError
    elif len(shapes) == 3 and shapes != expected and shapes[2] != (_GATES.get(kind, 0) * shapes[1][0],):
        raise _UnknownError
