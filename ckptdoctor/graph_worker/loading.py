"""The calls by which a user loads a checkpoint into such a graph, each as the owner's own loader is called.

Sources: TensorFlow 2.21, tensorflow/python/training/saver.py, `Saver`; tensorflow/python/checkpoint/checkpoint.py,
`Checkpoint.restore`; Keras 3.15, keras/src/saving/saving_api.py, `load_weights`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Callable

from .objects import OBJECT_GRAPH_KEY, Objects
from .program import Program
from .tensorflow_graphs import saved_name

_LEGACY = (".h5", ".hdf5")
_NOT_IN_GRAPHS = (".weights.h5", ".keras")
"""Keras 2 and tf_keras, src/saving/saving_lib.py, `load_own_variables`: in a graph, their assignments are never run."""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        code: as a person writes it; `$path` stands for the checkpoint's name.
        run: carries it out; gives what the loader says without raising it.
    """

    code: str
    run: Callable[[], str]


def loader_of(program: Program, path: str, family: str) -> tuple[str | None, str]:
    """Which loader brings such a checkpoint into such a graph; None and why, if none does.

    Args:
        program: the graph.
        path: the checkpoint.
        family: whose files they are: `protocol.FAMILIES`.
    """
    if family == "keras":
        model = _model(program)
        if not hasattr(model, "load_weights"):
            return None, "Keras's files are loaded by model.load_weights, and the graph is no Keras model."
        if program.keras is None and path.endswith(_NOT_IN_GRAPHS):
            return None, "A model of Keras 2 is built in a graph here, where its load_weights reads .h5 only."
        return "load_weights", ""
    by_objects = _has_objects(program, path)
    if program.objects is not None and (by_objects or not program.wrapped):
        return "checkpoint", ""
    if program.keras is not None:
        return (
            None,
            "Keras's load_weights reads no TensorFlow checkpoint, and this one has no objects for Checkpoint.restore.",
        )
    return "saver", ""


def calls_of(program: Program, loader: str, path: str, left_out: set[str]) -> list[Call]:
    """The calls that load all but some variables: the first that raises nothing is the one to take.

    Args:
        program: the graph.
        loader: as `loader_of` says.
        path: the checkpoint.
        left_out: keys of variables that have no fitting value there.
    """
    if loader == "load_weights":
        return _load_weights(program, path, bool(left_out))
    if loader == "checkpoint":
        return [_by_objects(program, path, bool(left_out))]
    return [_by_saver(program, path, left_out)]


def _model(program: Program) -> Any:
    return program.keras_model() if program.keras is not None else program.result


def _has_objects(program: Program, path: str) -> bool:
    try:
        return bool(program.tf.compat.v1.train.NewCheckpointReader(path).has_tensor(OBJECT_GRAPH_KEY))
    except Exception:  # whatever is wrong with it, the loader will say
        return False


# --- Keras -----------------------------------------------------------------------------------------------------------


def _load_weights(program: Program, path: str, partial: bool) -> list[Call]:
    options: list[dict[str, bool]] = [{}]
    if partial:
        legacy = path.endswith(_LEGACY) and not path.endswith(".weights.h5")
        options = [{"by_name": True, "skip_mismatch": True}] if legacy else [{"skip_mismatch": True}]
    return [_load_weights_with(program, path, chosen) for chosen in options]


def _load_weights_with(program: Program, path: str, options: dict[str, bool]) -> Call:
    def run() -> str:
        model = _model(program)
        if program.keras is None:
            # A model of Keras 2 in a graph: its values are in the session that Keras keeps.
            with _graph_of(program).as_default():
                model.load_weights(path, **options)
                program.session = _session_of_keras_2(model)
        else:
            model.load_weights(path, **options)
        return ""

    given = "".join(f", {name}={value}" for name, value in options.items())
    return Call(f"model.load_weights($path{given})", run)


def _session_of_keras_2(model: Any) -> Any:
    """The session that the package of a model's class keeps: `keras` or `tf_keras`."""
    modules = [kind.__module__ for kind in type(model).__mro__]
    package = next(name.split(".")[0] for name in modules if name.split(".")[0] in ("keras", "tf_keras"))
    try:
        backend: Any = importlib.import_module(f"{package}.src.backend")
    except ImportError:
        backend = importlib.import_module(f"{package}.backend")
    return backend.get_session()


# --- By names --------------------------------------------------------------------------------------------------------


def _by_saver(program: Program, path: str, left_out: set[str]) -> Call:
    """`Saver.restore`: of all variables, as a user writes it, or of all but some, which are initialised."""
    v1 = program.tf.compat.v1
    graph = _graph_of(program)

    def run() -> str:
        session = program.session = program.session or v1.Session(graph=graph)
        with graph.as_default():
            if not left_out:
                saver = v1.train.Saver()
            else:
                variables = program.graphs.variables(graph)
                initialised = [item for item in variables if saved_name(item) in left_out]
                session.run([item.initializer for item in initialised])
                kept = v1.global_variables()
                saver = v1.train.Saver([item for item in kept if saved_name(item) not in left_out])
            saver.restore(session, path)
        return ""

    return Call(f"tf.compat.v1.train.Saver({'kept' if left_out else ''}).restore(session, $path)", run)


def _graph_of(program: Program) -> Any:
    """The program's graph, open for what loading adds to it."""
    if program.graph is None:
        program.graph = program.graphs.chosen()
        program.graph._unsafe_unfinalize()
    return program.graph


# --- By objects ------------------------------------------------------------------------------------------------------


def _by_objects(program: Program, path: str, partial: bool) -> Call:
    """`tf.train.Checkpoint.restore`, of the program's own root or of one made around its model."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    proto = trackable_object_graph_pb2.TrackableObjectGraph()
    root, code = program.root, "checkpoint"
    if _has_objects(program, path):
        reader = program.tf.compat.v1.train.NewCheckpointReader(path)
        proto.ParseFromString(reader.get_tensor(OBJECT_GRAPH_KEY))
    if program.wrapped:
        name = _name_of_model(program, proto)
        checkpoint = program.tf.train.Checkpoint
        root = checkpoint(**{name: root.model}) if name else checkpoint(root.model)
        code = f"tf.train.Checkpoint({f'{name}=model' if name.isidentifier() else 'model' if not name else '...'})"

    def run() -> str:
        status = root.restore(path)
        if not (program.tf.executing_eagerly() and program.keras is not None):
            graph = _graph_of(program)
            program.session = program.session or program.tf.compat.v1.Session(graph=graph)
            status.initialize_or_restore(program.session)
        try:
            status.assert_consumed()
        except AssertionError as error:
            return (str(error).strip().splitlines() or [""])[0]
        return ""

    return Call(f"{code}.restore($path)" + ".expect_partial()" * partial, run)


def _name_of_model(program: Program, proto: Any) -> str:
    """The name that a checkpoint has for the model; empty where it is of the model alone."""
    if not proto.nodes:
        return "model"
    names: list[str] = [child.local_name for child in proto.nodes[0].children if proto.nodes[child.node_id].children]
    if "model" in names:
        return "model"
    objects = program.objects
    assert objects is not None
    shared: dict[str, int] = {name: _shared(objects, proto, name) for name in ("", *names)}
    return max(shared, key=lambda name: shared[name])


def _shared(objects: Objects, proto: Any, name: str) -> int:
    """How many of the model's values a checkpoint has where it calls the model by a name (or is the model's own)."""
    model = dict(map(tuple, objects.children[0]))["model"]
    theirs = next((child.node_id for child in proto.nodes[0].children if child.local_name == name), 0) if name else 0
    together, pending = {model: theirs}, [(model, theirs)]
    for mine, other in pending:
        named = {child.local_name: child.node_id for child in proto.nodes[other].children}
        for child_name, child in objects.children[mine]:
            if child_name in named and child not in together:
                together[child] = named[child_name]
                pending.append((child, named[child_name]))
    return sum(bool(proto.nodes[other].attributes) for other in together.values())
