"""A Keras 3 model as Keras's loaders walk it: what each saveable leads to, and what it does with its own group of a file.

Keras's own walk is run (`saving_lib._walk_saveable`), and each saveable's own `load_own_variables`, with a group that only
listens: which names it asks for, and to which variables it assigns what it was given. So a layer that is nobody's but the
user's is described as exactly as a `Dense`. No variable is touched, and none needs to be allocated.

    structure := {generation, variables: [[key, shape, dtype] …], saveables: [SAVEABLE …], containers: [[CHILD …] …],
                  layers: [[name, [variable …], class, sequential] …], top_level: [variable …] | null, top_level_by_name: [variable …]}
    SAVEABLE  := {name, class, text, built, own: OWN | null, children: [CHILD …]}
    OWN       := {assigned: [[name, variable] …], expected: number | null, warns, zeroed: [variable …],
                  only: [name …] | null, known}
    CHILD     := [name, saveable | -1, container | -1]

Sources: Keras 3, keras/src/saving/saving_lib.py, `_load_state`, `_load_container_state`; keras/src/layers/layer.py,
`load_own_variables`; keras/src/legacy/saving/legacy_h5_format.py, `_legacy_weights`, `load_weights_from_hdf5_group`.
"""

from __future__ import annotations

import importlib
import warnings
from typing import Any, Dict

Described = Dict[str, Any]

MOST_SAVEABLES = 100_000


class Given:
    """What a listening group gives for a value: nothing can be done with it but to assign it."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("only its assignment is looked for")


class ListeningGroup:
    """A group of a file that has these names in it."""

    def __init__(self, names: list[str]) -> None:
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Any:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Given:
        if name not in self.names:
            raise KeyError(name)
        return Given(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of a dictionary."""
        return Given(name) if name in self.names else default

    def keys(self) -> list[str]:
        """As of a dictionary."""
        return list(self.names)

    def values(self) -> list[Given]:
        """As of a dictionary."""
        return [Given(name) for name in self.names]

    def items(self) -> list[tuple[str, Given]]:
        """As of a dictionary."""
        return [(name, Given(name)) for name in self.names]


class Assignments:
    """Catches what is assigned to Keras's variables while it is entered."""

    def __init__(self, variable_class: Any) -> None:
        self.variable_class = variable_class
        self.assigned: list[tuple[str, Any]] = []
        self.zeroed: list[Any] = []
        self.other = False

    def __enter__(self) -> Assignments:
        self.before = self.variable_class.__dict__.get("assign")
        self.variable_class.assign = lambda variable, value: self.note(variable, value)  # noqa: PLW0108 - bound to the variable
        return self

    def __exit__(self, *unused: object) -> None:
        if self.before is None:
            del self.variable_class.assign
        else:
            self.variable_class.assign = self.before

    def note(self, variable: Any, value: Any) -> Any:
        """Stands in for `variable.assign(value)`."""
        if isinstance(value, Given):
            self.assigned.append((value.key, variable))
        elif is_zero(value):
            self.zeroed.append(variable)
        else:
            self.other = True
        return value


def is_zero(value: Any) -> bool:
    """Whether a value is nothing but zeros."""
    import numpy

    try:
        array = numpy.asarray(value)
        return bool(array.dtype != object and not array.any())
    except Exception:
        return False


class Structure:
    """Walks one model."""

    def __init__(self, keras: Any, model: Any) -> None:
        self.keras = keras
        self.walk = importlib.import_module("keras.src.saving.saving_lib")._walk_saveable
        self.saveable_class = importlib.import_module("keras.src.saving.keras_saveable").KerasSaveable
        self.snake_case = importlib.import_module("keras.src.utils.naming").to_snake_case
        self.variables: list[Any] = []
        self.saveables: list[Described] = []
        self.containers: list[list[Any]] = []
        self.variable_numbers: dict[int, int] = {}
        self.saveable_numbers: dict[int, int] = {}
        self.container_numbers: dict[int, int] = {}
        self.kept: list[Any] = []  # so that an id stays its own
        self.model = model

    def describe(self) -> Described:
        """The whole structure."""
        self.saveable(self.model)
        return self.describe_layers()

    def describe_layers(self) -> Described:
        """The layers, with those saveables that have been walked: none of the model's methods is run."""
        weights = list(self.model.weights)
        own = list(self.model._trainable_variables) + list(self.model._non_trainable_variables)
        answer: Described = {
            "generation": 3,
            "layers": [
                [layer.name, self.numbers(legacy_weights(layer)), type(layer).__name__, True]
                for layer in self.model.layers
            ],
            "top_level": self.top_level(own, weights),
            "top_level_by_name": self.numbers(own),
        }
        answer["saveables"] = self.saveables
        answer["containers"] = self.containers
        answer["variables"] = [
            [variable.path, [int(size) for size in variable.shape], str(variable.dtype)] for variable in self.variables
        ]
        return answer

    def numbers(self, variables: list[Any]) -> list[int]:
        """The numbers of variables."""
        return [self.variable(variable) for variable in variables]

    def variable(self, variable: Any) -> int:
        """The number of a variable."""
        number = self.variable_numbers.get(id(variable))
        if number is None:
            number = self.variable_numbers[id(variable)] = len(self.variables)
            self.variables.append(variable)
        return number

    def top_level(self, own: list[Any], weights: list[Any]) -> list[int] | None:
        """The model's own variables that Keras finds among its weights; None where it fails over that.

        It looks for them with `in`, which compares values where it meets other variables first.
        """
        found = []
        for variable in own:
            for weight in weights:
                if weight is variable:
                    break
                if size(weight) != 1 or size(variable) != 1:
                    return None
            found.append(variable)
        return self.numbers(found)

    def saveable(self, item: Any) -> int:
        """The number of a saveable; with it everything that it leads to is described."""
        number = self.saveable_numbers.get(id(item))
        if number is not None:
            return number
        if len(self.saveables) >= MOST_SAVEABLES:
            raise ValueError(f"more than {MOST_SAVEABLES} saveables")
        number = self.saveable_numbers[id(item)] = len(self.saveables)
        self.kept.append(item)
        name = getattr(item, "name", None)
        described: Described = {
            "name": name if isinstance(name, str) else "",
            "class": type(item).__name__,
            "text": printed(item),
            "built": bool(getattr(item, "built", True)),
            "own": None,
            "children": [],
        }
        self.saveables.append(described)
        if hasattr(item, "load_own_variables"):
            described["own"] = self.own(item)
        for attribute, child in self.walk(item):
            reference = self.child(attribute, child)
            if reference is not None:
                described["children"].append(reference)
        return number

    def child(self, name: str, item: Any) -> list[Any] | None:
        """What a name leads to; None where nothing below it can be loaded."""
        if isinstance(item, self.saveable_class):
            return [name, self.saveable(item), -1]
        if isinstance(item, (list, dict, tuple)):
            number = self.container(item)
            return [name, -1, number] if number >= 0 else None
        return None

    def container(self, item: Any) -> int:
        """The number of a container; -1 where it holds no saveable, at any depth."""
        number = self.container_numbers.get(id(item))
        if number is not None:
            return number
        values = list(item.values()) if isinstance(item, dict) else list(item)
        if not any(isinstance(value, (self.saveable_class, list, dict, tuple)) for value in values):
            return -1
        number = self.container_numbers[id(item)] = len(self.containers)
        self.kept.append(item)
        children: list[Any] = []
        self.containers.append(children)
        used: dict[str, int] = {}
        for value in values:
            if isinstance(value, self.saveable_class):
                name = self.snake_case(value.__class__.__name__)
            elif isinstance(value, (list, dict, tuple)):
                name = "container"
            else:
                continue
            used[name] = used.get(name, -1) + 1
            reference = self.child(f"{name}_{used[name]}" if used[name] else name, value)
            if reference is not None:
                children.append(reference)
        return number

    def own(self, item: Any) -> Described:
        """How a saveable loads its own variables: found out by letting it."""
        if isinstance(item, self.keras.optimizers.Optimizer):
            variables, warns = list(item.variables), True
        else:
            variables = list(getattr(item, "_trainable_variables", []))
            variables, warns = variables + list(getattr(item, "_non_trainable_variables", [])), False
        module = getattr(type(item).load_own_variables, "__module__", None) or ""
        if not module.startswith("keras."):
            return self.own_of_custom_class(item)
        numbers = [str(number) for number in range(len(variables))]
        exactly, failure = self.listen(item, numbers)
        complete = [variable for _, variable in exactly.assigned]
        # A layer may look at its values when all are assigned, as Normalization does; there are none.
        finished = bool(complete) and len(complete) == len(variables)
        if exactly.other or (failure and not finished):
            return unknown()
        more, refusal = self.listen(item, [*numbers, str(len(numbers))])
        checked = warns or (refusal and not more.assigned)
        return self.described_own(exactly, len(variables) if checked else None, warns, None)

    def own_of_custom_class(self, item: Any) -> Described:
        """The same of a class that is not Keras's: known for a group of the names that it saves."""
        saved: dict[str, Any] = {}
        try:
            item.save_own_variables(saved)
        except Exception:
            return unknown()
        if not all(isinstance(name, str) for name in saved):
            return unknown()
        heard, failure = self.listen(item, list(saved))
        if failure or heard.other:
            return unknown()
        return self.described_own(heard, None, False, list(saved))

    def described_own(self, heard: Assignments, expected: int | None, warns: bool, only: list[str] | None) -> Described:
        """OWN, of what was heard."""
        return {
            "assigned": [[key, self.variable(variable)] for key, variable in heard.assigned],
            "expected": expected,
            "warns": warns,
            "zeroed": self.numbers(heard.zeroed),
            "only": only,
            "known": True,
        }

    def listen(self, item: Any, names: list[str]) -> tuple[Assignments, bool]:
        """What a saveable assigns when its group has these names, and whether it fails over it."""
        before = dict(vars(item))
        failure = False
        with Assignments(self.keras.Variable) as heard:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    item.load_own_variables(ListeningGroup(names))
            except Exception:
                failure = True
        vars(item).clear()
        vars(item).update(before)
        return heard, failure


def unknown() -> Described:
    """OWN, where it is not known."""
    return {"assigned": [], "expected": None, "warns": False, "zeroed": [], "only": None, "known": False}


def printed(item: Any) -> str:
    """How a message shows it, without an address in memory."""
    try:
        text = repr(item)
    except Exception:
        text = ""
    return text if text and " at 0x" not in text else f"<{type(item).__name__}>"


def size(variable: Any) -> int:
    """How many values a variable has."""
    product = 1
    for dimension in variable.shape:
        product *= int(dimension)
    return product


def legacy_weights(layer: Any) -> list[Any]:
    """A layer's weights in the order of a legacy file."""
    return list(layer.trainable_weights) + list(layer.non_trainable_weights)


def describe_layers(keras: Any, model: Any) -> Described | None:
    """The layers of a Keras 3 model and nothing else; None where they cannot be listed."""
    try:
        return Structure(keras, model).describe_layers()
    except Exception:
        return None


def describe_structure(keras: Any, model: Any) -> Described | None:
    """The structure of a Keras 3 model; None where it cannot be walked, as with another version of Keras."""
    try:
        return Structure(keras, model).describe()
    except Exception:
        return None
