"""The structure of the model that a Keras file describes, where its classes are Keras's own and simple ones.

A legacy file lists its layers and their weights in the order of the model. For a `.keras` file the walk of Keras's loader is
put together from the configuration; other classes than those below lead to other objects, and are not known.

Sources: Keras 3, keras/src/models/functional.py, sequential.py (`layers`; a Sequential lists no InputLayer);
keras/src/saving/saving_lib.py, `_walk_saveable`, `_load_container_state`; keras/src/ops/function.py, `map_graph`
(`_operations_by_depth`, from the last operation to the first).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ckptdoctor.limits import MAX_CONFIG_DEPTH
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.keras_model import Child, KerasLayer, KerasModel, KerasVariable, OwnVariables, Saveable

_MODELS = ("Sequential", "Functional")
_SIMPLE = frozenset(
    {
        "InputLayer", "Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose",
        "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D", "Embedding", "BatchNormalization",
        "LayerNormalization", "GroupNormalization", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise",
        "Flatten", "Reshape", "Permute", "RepeatVector", "Cropping2D", "ZeroPadding1D", "ZeroPadding2D", "UpSampling2D",
        "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax", "Rescaling", "Resizing", "Add", "Subtract",
        "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
        "AveragePooling1D", "AveragePooling2D", "AveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
        "GlobalAveragePooling1D", "GlobalAveragePooling2D",
    }
)  # fmt: skip
"""Layers that lead to no other saveable and check how many variables they are given."""
_TOP_LEVEL = "top_level_model_weights"


class _NotKnownError(Exception):
    """A class whose walk is not known."""


def structure_of_file(
    config: Any,
    inventory: Inventory,
    variables: Mapping[str, Variable],
    snake_case: Callable[[str], str],
    sources: Callable[[Any], Iterable[str]],
) -> KerasModel | None:
    """The structure of the model that a file describes; None where that is not known.

    Args:
        config: the model's configuration.
        inventory: of the file.
        variables: key in the file → the variable of the graph.
        snake_case: a class's name as Keras writes it in a path.
        sources: the layers that a layer's `inbound_nodes` name.
    """
    try:
        if any(group.path.rpartition("/")[2] != "vars" for group in inventory.groups):
            return _legacy(config, inventory, variables)
        return _Builder(inventory, variables, snake_case, sources).build(config)
    except (_NotKnownError, LookupError, TypeError, ValueError, AttributeError):
        return None


def _legacy(config: Any, inventory: Inventory, variables: Mapping[str, Variable]) -> KerasModel:
    layers = config["config"] if isinstance(config["config"], list) else config["config"]["layers"]
    kinds = {item["config"].get("name"): str(item["class_name"]) for item in layers if isinstance(item["config"], dict)}
    numbers = {key: number for number, key in enumerate(variables)}
    groups = [group for group in inventory.groups if group.name != _TOP_LEVEL]
    own = [numbers[key] for group in inventory.groups if group.name == _TOP_LEVEL for key in group.keys]
    return KerasModel(
        3 if inventory.keras_version.startswith("3") else 2,
        tuple(KerasVariable(variable.key, variable.spec) for variable in variables.values()),
        layers=tuple(
            KerasLayer(
                group.name,
                tuple(numbers[key] for key in group.keys),
                kinds.get(group.name, ""),
                kinds.get(group.name) not in ("Model", *_MODELS),
            )
            for group in groups
        ),
        # Keras finds the first of its own weights at once, and compares the others with it.
        top_level=tuple(own) if len(own) < 2 else None,
        top_level_by_name=tuple(own),
    )


class _Builder:
    """Puts together the walk of one model."""

    def __init__(
        self,
        inventory: Inventory,
        variables: Mapping[str, Variable],
        snake_case: Callable[[str], str],
        sources: Callable[[Any], Iterable[str]],
    ) -> None:
        self._groups = {group.path: group for group in inventory.groups}
        self._variables, self._snake_case, self._sources = variables, snake_case, sources
        self._specs = {key: entry.spec for key, entry in inventory.variables.items()}
        self._numbers: dict[str, int] = {}
        self._saveables: list[Saveable] = []
        self._containers: list[tuple[Child, ...]] = []
        self._complete = True

    def build(self, config: Any) -> KerasModel:
        """The structure of a model.

        Raises:
            _NotKnownError: a class is not one of those that are known.
        """
        self._model(config, "", 0)
        inner = config["config"]["layers"]
        top = self._keys("")
        return KerasModel(
            3,
            tuple(self._variable(key) for key in self._numbers),
            tuple(self._saveables),
            tuple(self._containers),
            tuple(
                KerasLayer(str(item["config"]["name"]), self._legacy_order(path), str(item["class_name"]))
                for item, path in self._places(inner, "")
            ),
            tuple(self._number(key) for key in top) if len(top) < 2 else None,
            tuple(self._number(key) for key in top),
            self._complete,
        )

    def _variable(self, key: str) -> KerasVariable:
        variable = self._variables.get(key)
        return KerasVariable(variable.key if variable else key, self._specs[key])

    def _number(self, key: str) -> int:
        return self._numbers.setdefault(key, len(self._numbers))

    def _keys(self, path: str) -> list[str]:
        """The variables of a saveable in their order."""
        group = self._groups.get(f"{path}/vars".lstrip("/"))
        keys = group.keys if group else ()
        return sorted(keys, key=lambda key: int(key.rpartition("/")[2]))

    def _places(self, layers: Any, path: str) -> list[tuple[Any, str]]:
        """The layers of a model with the paths that Keras gives them."""
        used: dict[str, int] = {}
        placed = []
        for item in layers:
            word = self._snake_case(str(item["class_name"]))
            used[word] = used.get(word, -1) + 1
            placed.append((item, f"{path}/layers/{word}_{used[word]}" if used[word] else f"{path}/layers/{word}"))
        return [(item, place.lstrip("/")) for item, place in placed]

    def _model(self, item: Any, path: str, depth: int) -> int:
        kind = item["class_name"]
        if kind not in _MODELS or not str(item["module"]).startswith("keras") or depth > MAX_CONFIG_DEPTH:
            raise _NotKnownError
        number = len(self._saveables)
        self._saveables.append(self._described(item, path, ()))
        placed = self._places(item["config"]["layers"], path)
        children = []
        for inner, place in placed:
            if kind == "Sequential" and inner["class_name"] == "InputLayer":
                continue
            name = place.rpartition("/")[2]
            saveable = (
                self._model(inner, place, depth + 1) if inner["class_name"] in _MODELS else self._layer(inner, place)
            )
            children.append(Child(name, saveable))
        layers = Child("layers", -1, self._container(children))
        walked = [layers, layers]
        if not path and item.get("compile_config"):
            walked.append(Child("optimizer", self._optimizer()))
        if kind == "Functional":
            walked.append(Child("_operations_by_depth", -1, self._by_depth(item, children)))
        self._saveables[number] = self._described(item, path, tuple(walked))
        return number

    def _by_depth(self, item: Any, children: list[Child]) -> int:
        """A container for each operation of a chain, from the last one to the first."""
        names = [str(inner["config"]["name"]) for inner in item["config"]["layers"]]
        sources = [list(self._sources(inner.get("inbound_nodes"))) for inner in item["config"]["layers"]]
        chain = sources == [[], *([name] for name in names[:-1])]
        self._complete = self._complete and chain
        if not chain:
            return self._container([])
        operations = [
            Child(f"container_{position}" if position else "container", -1, self._container([child]))
            for position, child in enumerate(reversed(children))
        ]
        return self._container(operations)

    def _container(self, children: list[Child]) -> int:
        self._containers.append(tuple(children))
        return len(self._containers) - 1

    def _layer(self, item: Any, path: str) -> int:
        settings = item["config"]
        dtype = settings.get("dtype")
        quantized = isinstance(dtype, dict) and dtype.get("class_name") != "DTypePolicy"
        if item["class_name"] not in _SIMPLE or not str(item["module"]).startswith("keras"):
            raise _NotKnownError
        if settings.get("lora_rank") or settings.get("quantization_config") or quantized:
            raise _NotKnownError
        self._saveables.append(self._described(item, path, ()))
        return len(self._saveables) - 1

    def _optimizer(self) -> int:
        keys = self._keys("optimizer")
        group = self._groups.get("optimizer/vars")
        own = OwnVariables(tuple((str(number), self._number(key)) for number, key in enumerate(keys)), len(keys), True)
        self._saveables.append(Saveable(group.name if group else "", "Optimizer", "<Optimizer>", True, own))
        return len(self._saveables) - 1

    def _described(self, item: Any, path: str, children: tuple[Child, ...]) -> Saveable:
        keys = self._keys(path)
        own = OwnVariables(tuple((key.rpartition("/")[2], self._number(key)) for key in keys), len(keys))
        name, kind = str(item["config"]["name"]), str(item["class_name"])
        return Saveable(name, kind, f"<{kind} name={name}, built=True>", True, own, children)

    def _legacy_order(self, path: str) -> tuple[int, ...]:
        """The weights at and below a path: those that are trained first."""
        keys = [key for key in self._numbers if key.startswith(f"{path}/")]
        trained = {key for key in keys if key in self._variables and self._variables[key].trainable}
        return tuple(self._numbers[key] for key in sorted(keys, key=lambda key: key not in trained))
