"""A model of Keras 2 or tf_keras as its loaders walk it, in the fields that `keras_structure.py` names."""

from __future__ import annotations

import importlib
from typing import Any, Callable

from .keras_structure import Described, legacy_weights, printed, unknown


def describe_keras_2(model: Any) -> Described | None:
    """What is known of a model of Keras 2 or tf_keras: its layers in their order, whose legacy files go by it.

    Source: tf_keras, tf_keras/src/saving/legacy/hdf5_format.py, `_legacy_weights`, `load_weights_from_hdf5_group`.
    """
    numbers: dict[int, int] = {}
    variables: list[Any] = []

    def numbered(weights: list[Any]) -> list[int]:
        for weight in weights:
            if id(weight) not in numbers:
                numbers[id(weight)] = len(variables)
                variables.append(weight)
        return [numbers[id(weight)] for weight in weights]

    try:
        layers = [
            [layer.name, numbered(legacy_weights(layer)), type(layer).__name__, is_sequential(layer)]
            for layer in model.layers
        ]
        own = numbered(list(model._trainable_weights) + list(model._non_trainable_weights))
        walk = Keras2Walk(model, numbered) if is_tf_keras(model) else None
        described = [
            [variable.name.partition(":")[0], [int(size) for size in variable.shape], variable.dtype.base_dtype.name]
            for variable in variables
        ]
    except Exception:
        return None
    return {
        "generation": 2,
        "variables": described,
        "saveables": walk.saveables if walk is not None else [],
        "containers": walk.containers if walk is not None else [],
        "layers": layers,
        "top_level": own,
        "top_level_by_name": own,
    }


def is_tf_keras(model: Any) -> bool:
    """Whether a model's class is tf_keras's or derived from one of it."""
    return any(base.__module__.startswith("tf_keras.") for base in type(model).__mro__)


class Keras2Walk:
    """tf_keras's walk of a model for its `.weights.h5`: each saveable under the first path that leads to it, and no other.

    Args:
        model: the model.
        numbered: gives variables their numbers.

    Source: tf_keras 2.21, tf_keras/src/saving/saving_lib.py, `_walk_trackable`, `_load_state`, `_load_container_state` (what
    was visited already has no name in a container).
    """

    def __init__(self, model: Any, numbered: Callable[[list[Any]], list[int]]) -> None:
        saving_lib = importlib.import_module("tf_keras.src.saving.saving_lib")
        self.walk, self.is_saveable = saving_lib._walk_trackable, saving_lib._is_keras_trackable
        self.snake_case = importlib.import_module("tf_keras.src.utils.generic_utils").to_snake_case
        self.numbered = numbered
        self.saveables: list[Described] = []
        self.containers: list[list[Any]] = []
        self.visited: dict[int, Any] = {}
        self.visit(model)

    def visit(self, item: Any) -> int:
        """Describes a saveable and what it leads to."""
        self.visited[id(item)] = item
        number = len(self.saveables)
        name = getattr(item, "name", None)
        described: Described = {
            "name": name if isinstance(name, str) else "",
            "class": type(item).__name__,
            "text": printed(item),
            "built": bool(getattr(item, "built", True)),
            "own": self.own(item) if hasattr(item, "load_own_variables") else None,
            "children": [],
        }
        self.saveables.append(described)
        for attribute, child in self.walk(item):
            if self.is_saveable(child):
                if id(child) not in self.visited:
                    described["children"].append([attribute, self.visit(child), -1])
            elif isinstance(child, (list, dict, tuple, set)):
                container = self.container(child)
                if container:
                    described["children"].append([attribute, -1, len(self.containers)])
                    self.containers.append(container)
        return number

    def container(self, item: Any) -> list[Any]:
        """What a container leads to that was not visited yet."""
        used: dict[str, int] = {}
        children = []
        for child in list(item.values()) if isinstance(item, dict) else item:
            if self.is_saveable(child) and id(child) not in self.visited:
                name = self.snake_case(child.__class__.__name__)
                used[name] = used.get(name, -1) + 1
                children.append([f"{name}_{used[name]}" if used[name] else name, self.visit(child), -1])
        return children

    def own(self, item: Any) -> Described:
        """How a saveable loads its own variables, by where its class says so."""
        module = type(item).load_own_variables.__module__
        nothing = {**unknown(), "known": True}
        if module in ("tf_keras.src.engine.base_layer", "tf_keras.src.layers.preprocessing.normalization"):
            item._update_trackables()
            variables, warns = list(item._trainable_weights) + list(item._non_trainable_weights), False
        elif module == "tf_keras.src.optimizers.optimizer":
            variables, warns = list(item.variables), True
        elif module == "tf_keras.src.layers.preprocessing.index_lookup":
            return unknown() if item.output_mode == "tf_idf" else nothing
        elif module == "tf_keras.src.utils.feature_space":
            return nothing
        else:
            return unknown()
        assigned = [[str(position), number] for position, number in enumerate(self.numbered(variables))]
        return {**nothing, "assigned": assigned, "expected": len(assigned), "warns": warns}


def is_sequential(layer: Any) -> bool:
    """Whether the weights of a layer are those of its nested layers, one after the other."""
    nested = getattr(layer, "layers", None)
    if not nested:
        return True
    trained = [id(weight) for item in nested for weight in item.trainable_weights]
    fixed = [id(weight) for item in nested for weight in item.non_trainable_weights]
    return (
        trained == [id(weight) for weight in layer.trainable_weights]
        and fixed == [id(weight) for weight in layer.non_trainable_weights]
        and all(is_sequential(item) for item in nested)
    )
