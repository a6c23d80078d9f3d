"""A network as a live model: its variables can be read and filled, and it can be saved and loaded by its owner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import tensorflow as tf
from formats import Route
from nets import Net

OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


@dataclass
class Live:
    """A live model.

    Attributes:
        variables: by the name that ckptdoctor calls them by.
        uses: what each of them is, whatever its name; only of what a model is made of.
        others: what is saved beside them: slots, counters, states.
        root: what is saved and loaded.
        session: of a graph of TensorFlow 1.
    """

    variables: list[tuple[str, Any]]
    uses: dict[str, int]
    others: list[Any] = field(default_factory=list)
    root: Any = None
    session: Any = None

    def read(self) -> list[np.ndarray]:
        """The values of the model's variables."""
        items = [item for _, item in self.variables]
        return [
            np.asarray(value) for value in (self.session.run(items) if self.session else [v.numpy() for v in items])
        ]

    def write(self, values: list[np.ndarray]) -> None:
        """Gives the model's variables, and what is beside them, their values."""
        items = [item for _, item in self.variables] + self.others
        if not self.session:
            for item, value in zip(items, values, strict=True):
                item.assign(value)
            return
        fed = {item.initializer.inputs[1]: value for item, value in zip(items, values, strict=True)}
        self.session.run([item.initializer for item in items], fed)

    def types(self) -> list[tuple[tuple[int, ...], str]]:
        """The shape and type of each of them."""
        items = [item for _, item in self.variables] + self.others
        names = [item.dtype if isinstance(item.dtype, str) else item.dtype.base_dtype.name for item in items]
        return [(tuple(map(int, item.shape)), name) for item, name in zip(items, names, strict=True)]


@lru_cache
def library_of(name: str) -> Any:
    if name == "tf_keras":
        import tf_keras

        return tf_keras
    import keras

    return keras


@contextlib.contextmanager
def live(net: Net, library: str, route_format: str, *, resource: bool = True) -> Iterator[Live]:
    """The model of a network, fresh: automatic names start anew."""
    if library == "graph":
        from graph_build import build_graph, v1

        with tf.Graph().as_default(), v1.Session() as session:
            by_use = build_graph(net, resource=resource)
            variables = list(by_use.items())
            named = [(variable.op.name, variable) for _, variable in variables]
            yield Live(named, {use: number for number, (use, _) in enumerate(variables)}, session=session)
        return
    if library == "module":
        from module_build import build_module

        module, made = build_module(net)
        yield _objects(module, {id(variable): use for use, variable in made.items()}, net, (tf.Variable,))
        return
    from keras_build import build_model, weights_by_use

    keras = library_of(library)
    keras.backend.clear_session()
    model, made = build_model(keras, net)
    uses = weights_by_use(made)
    if route_format == "objects":
        kinds = (tf.Variable, keras.Variable) if library == "keras3" else (tf.Variable,)
        yield _objects(model, uses, net, kinds)
        return
    variables = [(str(getattr(item, "path", item.name)).split(":")[0], item) for item in model.weights]
    places = {uses.get(id(item), f"model/{name}"): number for number, (name, item) in enumerate(variables)}
    held = {id(item) for _, item in variables}
    optimizer = getattr(model, "optimizer", None)
    slots = list(optimizer.variables) if optimizer is not None else []
    yield Live(variables, places, [item for item in [*model.variables, *slots] if id(item) not in held], model)


def _objects(model: Any, uses: dict[int, str], net: Net, kinds: tuple[type, ...]) -> Live:
    """A model below a `tf.train.Checkpoint`, its variables by their shortest paths."""
    root = tf.train.Checkpoint(**{net.root: model}) if net.root else tf.train.Checkpoint(model)
    view = tf.train.TrackableView(root)
    paths, pending = {id(root): ""}, [root]
    for item in pending:
        for name, child in view.children(item).items():
            if id(child) not in paths:
                escaped = name.replace(".", "..").replace("/", ".S")
                paths[id(child)] = f"{paths[id(item)]}/{escaped}".lstrip("/")
                pending.append(child)
    variables = [(paths[id(item)] + OBJECT_VALUE, item) for item in pending if isinstance(item, kinds)]
    places = {uses[id(item)]: number for number, (_, item) in enumerate(variables) if id(item) in uses}
    return Live(variables, places, [], root)


def save(model: Live, path: str, library: str, format: str) -> str:
    """Saves it; gives the path to load it from."""
    if format == "objects":
        return str(model.root.save(path))
    if library == "graph":
        from graph_build import v1

        version = v1.train.SaverDef.V1 if format == "saver-v1" else v1.train.SaverDef.V2
        return str(v1.train.Saver(write_version=version).save(model.session, path, write_meta_graph=False))
    if format in ("keras", "legacy"):
        model.root.save(path)
    else:
        model.root.save_weights(path)
    return path


def load(model: Live, path: str, route: Route) -> Any:
    """The owner's call; what it gives must be kept until the values have been read."""
    options = route.loader
    if route.format == "objects":
        status = model.root.restore(path)
        if options == "assert_consumed":
            status.assert_consumed()
        elif options == "assert_existing":
            status.assert_existing_objects_matched()
        return status
    if route.library == "graph":
        from graph_build import v1

        return v1.train.Saver(reshape="reshape" in options).restore(model.session, path)
    arguments = {name: True for name in ("by_name", "skip_mismatch") if name in options}
    status = model.root.load_weights(path, **arguments)
    if options == "expect_partial":
        return status.expect_partial()
    return status.assert_consumed() if options == "assert_consumed" else status
