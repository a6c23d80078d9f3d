"""The user's program: found, prepared for, run as far as its graph."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import re
import sys
import types
from typing import Any, Callable

from .api_level import Trees, local_sources, means_tf_keras, uses_keras, written_for
from .keras_3 import Keras3
from .normalization import install_normalization
from .objects import Objects
from .problem import Problem, Stop
from .restraints import forbid_network, stop_at
from .sources import Sources, problem_of_user
from .tensorflow_1 import install_tf1
from .tensorflow_graphs import TensorFlowGraphs


class Program:
    """A user's program and what has come of it so far.

    Attributes:
        request: see `protocol.REQUEST`.
        path: the file of the program, absolute.
        module_name: the name that it is imported under.
        sources: what it depends on.
        tf: TensorFlow.
        api: what it was written for: see `api_level.written_for`.
        graphs: the graphs that it makes.
        keras: Keras 3, if the program uses it.
        placeholders: a parameter's name → the tensor made for it, and how it was asked for.
        function: the name of what was called or used.
        parameters: of what was called, each with the plain value that it has: what the user gave, or its default.
        result: what that gave, or is.
        root, objects: the root of its trackable objects, and all of them.
        wrapped: whether the root was made around its model.
        variables: what is behind each variable of its description, in its order: one, or the parts of a partitioned one.
        graph, session: the TensorFlow graph that is loaded into, and its session; None before that, and without one.
        notes: what the user should know, a sentence each.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.notes: list[str] = []
        self.result: Any = None
        self.function = ""
        self.parameters: list[list[Any]] = []
        self.placeholders: dict[str, tuple[Any, dict[str, Any]]] = {}
        self.keras: Keras3 | None = None
        self.root: Any = None
        self.objects: Objects | None = None
        self.wrapped = False
        self.called: Any = None
        self.variables: list[list[Any]] = []
        self.graph: Any = None
        self.session: Any = None
        self._allocate = request["action"] in ("restore", "run")
        self._locate()
        self.sources = Sources(self.path)

    def _locate(self) -> None:
        target = self.request["target"]
        sys.path.insert(0, os.getcwd())
        if target.endswith(".py"):
            self.path = os.path.abspath(target)
            sys.path.insert(0, os.path.dirname(self.path))
            self.module_name = re.sub(r"\W", "_", os.path.basename(target)[:-3])
            if not os.path.isfile(self.path):
                raise Problem("usage", f"there is no file {target}")
            return
        self.module_name = target
        try:
            spec = importlib.util.find_spec(target)
        except ImportError:
            spec = None
        if spec is None or not spec.origin:
            raise Problem(
                "usage",
                f"there is no module {target} on the path of {sys.executable}",
                "Name a file (graph.py:function), or an installed module (package.module:function).",
            )
        self.path = spec.origin

    def prepare(self) -> None:
        """Imports TensorFlow and changes it so that the program only builds its graph."""
        trees = self._parse()
        self.tf: Any = _import_tensorflow()
        self.checkpoints = (self.tf.train.Checkpoint, self.tf.compat.v1.train.Checkpoint)
        for kind in self.checkpoints:
            stop_at(kind, ("restore", "read", "save", "write"))
        forbid_network()
        self.sources.watch()
        seed = self.request["seed"] if self.request["action"] == "initial" else None
        self.graphs = TensorFlowGraphs(self.tf, self.sources, seed)
        if seed is not None:
            self._set_seeds(seed)
        self.api = "compat" if self.module_name.startswith("tf_slim") else written_for(trees, self.tf)
        if self.api != "tf2":
            install_normalization(self.tf)
        if self.api == "tf1":
            install_tf1(self.tf)
        elif self.api == "compat":
            self.tf.compat.v1.disable_eager_execution()
        elif uses_keras(trees) and not means_tf_keras(trees):
            import keras

            if keras.__version__.startswith("3"):
                self.keras = Keras3(self.sources, self._allocate)
                if seed is not None:
                    keras.utils.set_random_seed(seed)
        if self.keras is None:
            self._stop_at_sessions()

    def _set_seeds(self, seed: int) -> None:
        import numpy

        random.seed(seed)
        numpy.random.seed(seed)
        self.tf.random.set_seed(seed)

    def _parse(self) -> Trees:
        try:
            return local_sources(self.path)
        except SyntaxError as error:
            hint = ""
            if "print" in str(error):
                hint = f"This looks like Python 2. Convert it first: 2to3 -w {os.path.basename(self.path)}"
            text = (error.text or "").rstrip()
            raise Problem("user", f"{error.filename}:{error.lineno}: {error.msg}", hint, text) from error

    def _stop_at_sessions(self) -> None:
        v1 = self.tf.compat.v1
        if self.api == "tf2":
            # Kept: a scope that nothing refers to is left when Python collects it.
            self._scope = v1.Graph().as_default()
            self._scope.__enter__()
        stop_at(v1.train.Saver, ("restore",))
        stop_at(v1.Session, ("run",))
        stop_at(v1.InteractiveSession, ("run",))

    def execute(self, name: str) -> dict[str, Any]:
        """Runs the file as a module called `name` and gives its namespace."""
        module = types.ModuleType(name)
        module.__file__ = self.path
        sys.modules[name] = module
        sys.argv = [self.path]
        with open(self.path, "rb") as handle:
            code = compile(handle.read(), self.path, "exec")
        self.guard(exec, code, module.__dict__)
        return module.__dict__

    def guard(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Calls user code; a program that exits or starts training has built its graph by then."""
        try:
            return call(*args, **kwargs)
        except Stop as stop:
            self.notes.append(f"Stopped when {stop}; the graph is what was built until then.")
        except SystemExit as stop:
            if stop.code not in (None, 0):
                self.notes.append(f"The program exited with {stop.code!r}; the graph is what was built until then.")
        except Problem:
            raise
        except BaseException as error:  # whatever user code raises
            raise problem_of_user(error, self.sources) from error
        return None

    def is_model(self, item: Any) -> bool:
        """Whether something is a Keras model, a `tf.Module` or a `tf.train.Checkpoint`."""
        if self.keras is not None and isinstance(item, self.keras.keras.Model):
            return True
        return isinstance(item, (self.tf.Module, *self.checkpoints)) and not isinstance(item, type)

    def keras_model(self) -> Any:
        """The Keras 3 model or layer in the result, or the model around its symbolic tensor; None if there is none."""
        if self.keras is None:
            return None
        keras = self.keras.keras
        pending = [self.result]
        for item in pending:
            if isinstance(item, (keras.Model, keras.Layer)):
                return item
            if isinstance(item, keras.KerasTensor) and self.placeholders:
                return keras.Model([tensor for tensor, _ in self.placeholders.values()], item)
            if isinstance(item, (list, tuple)):
                pending.extend(item)
            elif isinstance(item, dict):
                pending.extend(item.values())
        return None

    def variable_classes(self) -> tuple[Any, ...]:
        """The classes of variables here."""
        return (self.tf.Variable, *((self.keras.keras.Variable,) if self.keras else ()))

    def is_keras_2_model(self) -> bool:
        """Whether the graph is that of a model of Keras 2, whose files go by its layers and not by names."""
        if self.keras is not None or self.api != "tf2":
            return False
        if any(base.__module__.startswith("tf_keras.") for base in type(self.result).__mro__):
            return True
        try:
            return isinstance(self.result, self.tf.keras.Model)
        except (AttributeError, ImportError):
            return False  # no Keras


def _import_tensorflow() -> Any:
    try:
        import tensorflow
    except ImportError as error:
        message = f"TensorFlow cannot be imported by {sys.executable}: {error}"
        raise Problem("missing-package", message, "tensorflow") from error
    except Exception as error:  # packages that do not fit together fail in any way
        raise Problem(
            "user",
            f"TensorFlow cannot be imported by {sys.executable}: {type(error).__name__}: {error}",
            f"Its packages do not fit together: {sys.executable} -m pip check",
        ) from error
    return tensorflow
