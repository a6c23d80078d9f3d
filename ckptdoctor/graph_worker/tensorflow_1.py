"""TensorFlow 1's names on today's TensorFlow: `import tensorflow` gives the v1 API, with `tf.contrib` on tf_slim.

Sources: TensorFlow 1.15, tensorflow/contrib; tf_slim 1.1; TensorFlow, tensorflow/python/layers/layers.py and
tensorflow/python/keras/layers/legacy_rnn, where `tf.layers` and `tf.nn.rnn_cell` are kept.
"""

from __future__ import annotations

import importlib
import sys
import types
from typing import Any, NoReturn

from .problem import Problem, Stop


class Gathered(types.ModuleType):
    """A module that looks its names up in several others."""

    def __init__(self, name: str, sources: list[Any]) -> None:
        types.ModuleType.__init__(self, name)
        self.__path__: list[str] = []
        self._sources = sources

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for source in self._sources:
            try:
                return getattr(source, name)
            except AttributeError:
                continue
        raise AttributeError(f"{self.__name__}.{name} has no counterpart in today's TensorFlow or tf_slim")


class WithoutSlim(Gathered):
    """`tf.contrib` where tf_slim is not installed."""

    def __getattr__(self, name: str) -> Any:
        if name == "slim":
            raise Problem("missing-package", "the graph uses tf.contrib.slim, and tf_slim is not installed", "tf-slim")
        return Gathered.__getattr__(self, name)


def optional_module(name: str) -> types.ModuleType:
    """A module, or an empty one where there is none of that name."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return types.ModuleType(name)


def install_tf1(tensorflow: Any) -> None:
    """Makes `import tensorflow` give the v1 API, with tf.contrib on tf_slim, and tf.layers and rnn cells as they were."""
    v1 = tensorflow.compat.v1
    v1.disable_v2_behavior()
    layers = Gathered(
        "tensorflow.layers",
        [optional_module("tensorflow.python.layers.layers"), optional_module("tensorflow.python.layers.normalization")],
    )
    cells = Gathered(
        "tensorflow.nn.rnn_cell",
        [
            optional_module("tensorflow.python.keras.layers.legacy_rnn.rnn_cell_impl"),
            optional_module("tensorflow.python.keras.layers.legacy_rnn.rnn_cell_wrappers"),
        ],
    )
    contrib = _contrib(v1, cells)
    v1.contrib = contrib
    v1.layers = layers
    v1.nn.rnn_cell = cells
    v1.__path__ = tensorflow.__path__
    sys.modules["tensorflow.contrib"] = contrib
    sys.modules["tensorflow"] = v1
    _install_tutorials()


def _contrib(v1: Any, cells: Gathered) -> Gathered:
    try:
        slim: Any = importlib.import_module("tf_slim")
    except ImportError:
        slim = None
    sources = [v1, v1.train, v1.nn, v1.layers, v1.losses, v1.initializers]
    parts: dict[str, Any] = {}
    if slim is not None:
        sources = [slim, slim.layers, importlib.import_module("tf_slim.layers.layers"), slim.learning, *sources]
        parts["slim"] = slim
        parts["slim.nets"] = optional_module("tf_slim.nets")
    for name in ("layers", "framework", "losses", "metrics", "training", "summary", "opt", "seq2seq"):
        parts[name] = Gathered("tensorflow.contrib." + name, sources)
    parts["rnn"] = Gathered("tensorflow.contrib.rnn", [cells, v1.nn])
    contrib = (Gathered if slim is not None else WithoutSlim)("tensorflow.contrib", [])
    for name, module in parts.items():
        if "." not in name:
            setattr(contrib, name, module)
        sys.modules["tensorflow.contrib." + name] = module
    return contrib


def _install_tutorials() -> None:
    """TensorFlow 1's MNIST helper is gone; graphs that only import it still build."""

    def read_data_sets(*args: Any, **kwargs: Any) -> NoReturn:
        raise Stop("the program reads MNIST")

    data: Any = types.ModuleType("tensorflow.examples.tutorials.mnist.input_data")
    data.read_data_sets = read_data_sets
    parent: Any = None
    for name in ("examples", "examples.tutorials", "examples.tutorials.mnist"):
        module: Any = types.ModuleType("tensorflow." + name)
        module.__path__ = []
        sys.modules["tensorflow." + name] = module
        if parent is not None:
            setattr(parent, name.split(".")[-1], module)
        parent = module
    parent.input_data = data
    sys.modules[data.__name__] = data
