"""Where Keras puts each variable in a `.weights.h5` file: its own traversal, writing into nothing.

Source: Keras 3, keras/src/saving/saving_lib.py, `_save_state` and `H5IOStore.make`; Keras 2 and tf_keras,
src/saving/saving_lib.py, `_save_state`. Keras is not imported here unless the model is its own.
"""

from __future__ import annotations

import importlib
from typing import Any, Callable, Dict


class _Entries(Dict[str, Any]):
    """The values of one object: only which variable would be under which key."""

    def __init__(self, path: str, places: dict[int, str]) -> None:
        dict.__init__(self)
        self.path, self.places = path, places

    def __setitem__(self, key: str, value: Any) -> None:
        self.places.setdefault(id(value), "/".join([part for part in (self.path, "vars", key) if part]))


class ValuesAs:
    """While it is entered, a Keras variable's `numpy()` gives what a function makes of the variable and its own `numpy`."""

    def __init__(self, value: Callable[[Any, Any], Any]) -> None:
        self.variable_class = importlib.import_module("keras").Variable
        self.value = value

    def __enter__(self) -> None:
        self.own = self.variable_class.__dict__.get("numpy")
        before, value = self.variable_class.numpy, self.value
        self.variable_class.numpy = lambda variable: value(variable, before)

    def __exit__(self, *unused: object) -> None:
        if self.own is None:
            del self.variable_class.numpy
        else:
            self.variable_class.numpy = self.own


def places_of_keras_3(model: Any) -> dict[int, str]:
    """A variable's id → where Keras 3 stores it, such as `layers/dense/vars/0`; empty with an unknown version of Keras."""
    try:
        saving_lib = importlib.import_module("keras.src.saving.saving_lib")
        places: dict[int, str] = {}

        class Nowhere(saving_lib.H5IOStore):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                self.h5_file = None

            def __bool__(self) -> bool:
                return True

            def __del__(self) -> None:
                pass

            def make(self, path: str, metadata: Any = None) -> _Entries:
                return _Entries(path, places)

        optimizer = importlib.import_module("keras.src.optimizers.base_optimizer").BaseOptimizer
        save = optimizer.save_own_variables
        optimizer.save_own_variables = lambda self, store: None  # it asks its variables for values, which they have not
        try:
            saving_lib._save_state(model, Nowhere(), None, "", set())
        finally:
            optimizer.save_own_variables = save
        return places
    except Exception:  # another version of Keras, in whatever way it differs: the order of the layers must do
        return {}


def places_of_keras_2(package: str, model: Any) -> dict[int, str]:
    """A variable's id → where Keras 2 stores it; empty with an unknown version of it.

    Args:
        package: `keras` or `tf_keras`, whichever the model's class is of.
        model: the model.
    """
    try:
        from tensorflow.python.ops.resource_variable_ops import BaseResourceVariable

        try:
            saving_lib = importlib.import_module(package + ".src.saving.saving_lib")
        except ImportError:
            saving_lib = importlib.import_module(package + ".saving.saving_lib")
        places: dict[int, str] = {}

        class Nowhere:
            def make(self, path: str) -> _Entries:
                return _Entries(path, places)

        values = BaseResourceVariable.numpy
        BaseResourceVariable.numpy = lambda self: self  # a graph's variables have no values
        try:
            saving_lib._save_state(model, Nowhere(), None, "", set())
        finally:
            BaseResourceVariable.numpy = values
        return places
    except Exception:  # another version of Keras, in whatever way it differs: the order of the layers must do
        return {}
