"""Restoring a checkpoint with TensorFlow's own restore, and comparing every variable with the values stored."""

from __future__ import annotations

from typing import Any, Callable

from .objects import OBJECT_GRAPH_KEY, Objects
from .operations import sizes_of
from .problem import Problem
from .program import Program
from .tensorflow_graphs import saved_name


def restore(program: Program, prefix: str) -> dict[str, Any]:
    """Restores the checkpoint of a name into the program; gives the fields of `protocol.RESTORED`.

    Raises:
        Problem: TensorFlow refuses.
    """
    reader = program.tf.compat.v1.train.NewCheckpointReader(prefix)
    stored = reader.get_variable_to_shape_map()
    if OBJECT_GRAPH_KEY in stored and program.objects is not None:
        return _restore_objects(program, program.objects, reader, prefix)
    model = program.keras_model()
    if model is not None:
        return _assign_to_keras(model, reader, stored)
    return _restore_by_saver(program, reader, stored, prefix)


def _assign_to_keras(model: Any, reader: Any, stored: dict[str, list[int]]) -> dict[str, Any]:
    """Puts the values of the same paths into a Keras 3 model."""
    targets = {weight.path: weight.value for weight in model.weights}
    held = {key: variable for key, variable in targets.items() if key in stored}
    for key, variable in held.items():
        if list(variable.shape) == stored[key]:
            variable.assign(reader.get_tensor(key))
    declared = {key: [int(size) for size in variable.shape] for key, variable in held.items()}
    wrong = _differences(reader, declared, lambda key: held[key].numpy())
    return _restored(len(held), [key for key in targets if key not in stored], wrong)


def _restore_by_saver(program: Program, reader: Any, stored: dict[str, Any], prefix: str) -> dict[str, Any]:
    """`Saver.restore` of the variables that the checkpoint has; the others get their initial values."""
    tf = program.tf
    graph = program.graph = program.graphs.chosen()
    targets: dict[str, list[Any]] = {}
    for variable in program.graphs.variables(graph):
        targets.setdefault(saved_name(variable), []).append(variable)
    session = program.session = program.session_class(graph=graph)
    held = {key: items for key, items in targets.items() if key in stored}
    absent = [key for key in targets if key not in stored]
    with graph.as_default():
        saver = tf.compat.v1.train.Saver([item for items in held.values() for item in items])
        initialise = [item.initializer for key in absent for item in targets[key]]
        try:
            program.session_run(session, initialise)
            # The names a Saver takes are those of the variables, so the restore is the one a user would write.
            session.run = lambda *args, **kwargs: program.session_run(session, *args, **kwargs)
            saver.restore(session, prefix)
        except (tf.errors.OpError, ValueError) as error:
            raise Problem("restore", str(error).splitlines()[0]) from error
    # Of a partitioned variable the parts are restored by slice: none has the whole value.
    whole = {key: items[0] for key, items in held.items() if len(items) == 1}
    declared = {key: list(sizes_of(variable.shape) or ()) for key, variable in whole.items()}
    wrong = _differences(reader, declared, lambda key: program.session_run(session, whole[key]))
    return _restored(len(held), absent, wrong)


def _restored(count: int, missing: list[str], wrong: list[dict[str, str]], unconsumed: str = "") -> dict[str, Any]:
    return {"restored": count, "missing": sorted(missing), "wrong": wrong, "unconsumed": unconsumed}


def _differences(reader: Any, declared: dict[str, list[int]], read: Callable[[str], Any]) -> list[dict[str, str]]:
    """What the variables of these keys hold that they should not, by key.

    Args:
        reader: the checkpoint's.
        declared: key → the variable's shape.
        read: key → the variable's value.
    """
    import numpy

    wrong = []
    for key in sorted(declared):
        value, expected = numpy.asarray(read(key)), numpy.asarray(reader.get_tensor(key))
        if list(value.shape) != declared[key]:
            wrong.append({"key": key, "what": f"holds {list(value.shape)}, declared {declared[key]}"})
        elif value.tobytes() != expected.tobytes():
            wrong.append({"key": key, "what": "holds other bytes than the checkpoint"})
    return wrong


# --- By objects ------------------------------------------------------------------------------------------------------


def _restore_objects(program: Program, objects: Objects, reader: Any, prefix: str) -> dict[str, Any]:
    """Restores with `tf.train.Checkpoint.restore`, and compares every variable with the value that its object has."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    proto = trackable_object_graph_pb2.TrackableObjectGraph()
    proto.ParseFromString(reader.get_tensor(OBJECT_GRAPH_KEY))
    root = program.root
    if program.wrapped and "model" not in [child.local_name for child in proto.nodes[0].children]:
        root = _root_by_other_name(program, objects, proto)
        objects = program.objects = Objects(program.tf, root)
    kinds = program.variable_classes()
    variables = {number: item for number, item in enumerate(objects.items) if isinstance(item, kinds)}
    together = _walk_together(objects.children, proto, (0, 0))
    keys: dict[str, Any] = {}
    absent = []
    for number, variable in variables.items():
        values = [a.checkpoint_key for a in proto.nodes[together[number]].attributes] if number in together else []
        if values:
            keys[values[0]] = variable
        elif objects.paths[number] != "save_counter":
            absent.append(objects.paths[number])
    status = _restore_root(program, root, prefix)
    unconsumed = ""
    try:
        status.assert_consumed()
    except AssertionError as error:
        unconsumed = str(error).strip().splitlines()[0]
    declared = {key: [int(size) for size in variable.shape] for key, variable in keys.items()}
    if program.session is None:
        wrong = _differences(reader, declared, lambda key: keys[key].numpy())
    else:
        wrong = _differences(reader, declared, lambda key: program.session_run(program.session, keys[key]))
    return _restored(len(keys), absent, wrong, unconsumed)


def _restore_root(program: Program, root: Any, prefix: str) -> Any:
    """Restores, in a session where there is a graph; gives TensorFlow's status."""
    tf = program.tf
    try:
        status = root.restore(prefix)
        if not (tf.executing_eagerly() and program.keras is not None):
            program.graph = program.graphs.chosen()
            session = program.session = program.session_class(graph=program.graph)
            session.run = lambda *args, **kwargs: program.session_run(session, *args, **kwargs)
            status.initialize_or_restore(session)
    except (tf.errors.OpError, ValueError) as error:
        raise Problem("restore", str(error).splitlines()[0]) from error
    return status


def _root_by_other_name(program: Program, objects: Objects, proto: Any) -> Any:
    """A checkpoint around the model, under the name that a checkpoint has for it, or of the model alone."""
    checkpoint, model = program.tf.train.Checkpoint, program.root.model
    names = [child.local_name for child in proto.nodes[0].children if proto.nodes[child.node_id].children]
    chosen = max(names, key=lambda name: _shared(objects, proto, name), default="")
    if not chosen or _shared(objects, proto, "") >= _shared(objects, proto, chosen):
        return checkpoint(model)
    return checkpoint(**{chosen: model})


def _walk_together(children: list[list[list[Any]]], proto: Any, start: tuple[int, int]) -> dict[int, int]:
    """The objects of the program and those of a checkpoint that the same names lead to."""
    together = {start[0]: start[1]}
    pending = [start]
    for mine, theirs in pending:
        names = {child.local_name: child.node_id for child in proto.nodes[theirs].children}
        for name, child in children[mine]:
            if name in names and child not in together:
                together[child] = names[name]
                pending.append((child, names[name]))
    return together


def _shared(objects: Objects, proto: Any, name: str) -> int:
    """How many of the model's values a checkpoint has where it calls the model by a name (or is the model's own)."""
    model = dict(map(tuple, objects.children[0]))["model"]
    theirs = next((child.node_id for child in proto.nodes[0].children if child.local_name == name), 0) if name else 0
    pairs = _walk_together(objects.children, proto, (model, theirs))
    return sum(bool(proto.nodes[other].attributes) for other in pairs.values())
