"""Keras 3 models, built without one allocated weight, and what is in them."""

from __future__ import annotations

import json
from typing import Any, Iterable, Mapping

from .keras_layers import consumer_of_weight, graph_of_layers
from .keras_places import ValuesAs, places_of_keras_3
from .restraints import replace, stop_at
from .sources import Sources, calling_frames

_TRAINING = ("fit", "evaluate", "predict", "train_on_batch", "predict_on_batch")


class Keras3:
    """Keras, changed so that what is built here is only described.

    Variables made under Keras's stateless scope stay uninitialised.

    Args:
        sources: whose frames say which line makes a variable.
        allocate: whether values are wanted, so that weights are made as they are.
    """

    def __init__(self, sources: Sources, allocate: bool) -> None:
        import keras
        from keras.src.utils import file_utils

        self.keras: Any = keras
        self._sources = sources
        self._stacks: dict[int, Any] = {}
        # Weights that a graph asks for by URL are not what its variables are.
        file_utils.get_file = lambda *args, **kwargs: "not-downloaded.weights.h5"
        replace(keras.Model, "load_weights", lambda self, *args, **kwargs: None)
        stop_at(keras.Model, _TRAINING)
        if not allocate:
            self._allocate_nothing()
        self._remember_lines(allocate)

    def _allocate_nothing(self) -> None:
        from keras.src.backend.common import stateless_scope
        from keras.src.backend.tensorflow.optimizer import TFOptimizer

        self._scope = stateless_scope.StatelessScope(initialize_variables=False)
        self._scope.__enter__()
        # An optimizer tells variables apart by the number of their values, which these have not.
        TFOptimizer._var_key = lambda optimizer, variable: id(variable)

    def leave_scope(self) -> None:
        """From now on, a variable that is asked for its value makes it."""
        self._scope.__exit__(None, None, None)

    def _remember_lines(self, allocate: bool) -> None:
        from keras.src.backend.common.variables import Variable

        create = Variable.__init__
        stacks = self._stacks

        def remember(variable: Any, initializer: Any, *args: Any, **kwargs: Any) -> None:
            if not allocate and not callable(initializer):
                initializer = _as_initializer(initializer, args, kwargs)
            create(variable, initializer, *args, **kwargs)
            # The variable itself is kept too, so that its id stays its own.
            stacks[id(variable)] = (variable, calling_frames())

        Variable.__init__ = remember

    def describe(self, model: Any) -> list[dict[str, Any]]:
        """A model's weights, in the fields of `protocol.VARIABLE` with `frames` in the place of `location`."""
        return self.describe_weights(model.weights, model._flatten_layers(), places_of_keras_3(model))

    def describe_weights(
        self, weights: Iterable[Any], layers: Iterable[Any], places: Mapping[int, str]
    ) -> list[dict[str, Any]]:
        """Weights of these layers; `places` are those of `places_of_keras_3`."""
        uses = {}
        graph = graph_of_layers()
        for layer in layers:
            for weight in own_weights(layer):
                uses[id(weight)] = consumer_of_weight(graph, layer, weight)
        return [
            {
                "name": weight.path,
                "key": weight.path,
                "shape": [int(size) for size in weight.shape],
                "dtype": str(weight.dtype),
                "trainable": bool(weight.trainable),
                "resource": True,
                "collections": [],
                "frames": self._sources.frames(self._stacks.get(id(weight), (None, []))[1]),
                "consumer": uses.get(id(weight)),
                "stored": places.get(id(weight), ""),
                "node": -1,
                "partitioned": False,
            }
            for weight in weights
        ]


def _as_initializer(value: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What makes a value that a variable was given in the place of an initializer; says its shape and type."""
    import numpy

    array = numpy.asarray(value)
    kwargs["shape"] = array.shape
    if not args:
        kwargs.setdefault("dtype", array.dtype.name if array.dtype.kind in "fib" else None)
    return lambda shape, dtype=None: array


def own_weights(layer: Any) -> list[Any]:
    """The weights that a Keras layer has itself, not by layers in it."""
    return [*getattr(layer, "_trainable_variables", ()), *getattr(layer, "_non_trainable_variables", ())]


def configuration(model: Any) -> str:
    """The model's configuration as Keras keeps it in a `.keras` file; empty where it cannot be written down."""
    try:
        from keras.src.saving import serialization_lib

        with ValuesAs(_first_value):
            return json.dumps(serialization_lib.serialize_keras_object(model))
    except Exception:  # a model's own get_config may raise anything
        return ""


def _first_value(variable: Any, values: Any) -> Any:
    """A variable's value; where it is not made yet, what it will be, such as an optimizer's learning rate."""
    initializer = getattr(variable, "_initializer", None)
    return values(variable) if initializer is None else initializer(variable.shape, dtype=variable.dtype)
