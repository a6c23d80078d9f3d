"""What has come of the user's program: its variables and its objects, in the fields of `protocol.GRAPH`."""

from __future__ import annotations

from typing import Any, Sequence

from .arguments import tensor_option
from .keras_2_structure import describe_keras_2
from .keras_3 import configuration
from .keras_places import places_of_keras_2
from .keras_structure import describe_structure
from .objects import Objects, eager_variable
from .problem import Problem
from .program import Program
from .sources import choose_lines, distributions


def describe(program: Program) -> dict[str, Any]:
    """The graph of an answer.

    Raises:
        Problem: there are no variables.
    """
    _track(program)
    model = program.keras_model()
    if program.objects is not None and not program.wrapped:
        kind, variables = "TensorFlow 2 objects", _saved_variables(program, program.objects)
    elif model is not None:
        kind, variables = "Keras model", _weights(program, model)
    else:
        kind, variables = _graph_variables(program)
    if not variables:
        raise Problem(
            "user",
            f"{program.function or program.request['target']} made no variable",
            "Name the function or model that makes them.",
            "\n".join(program.notes),
        )
    choose_lines(variables)
    return {
        "kind": kind,
        "variables": variables,
        "files": program.sources.files(),
        "distributions": distributions(),
        "notes": program.notes,
        "function": program.function,
        "parameters": program.parameters,
        "objects": program.objects.children if program.objects is not None else None,
        "wrapped": program.wrapped,
        "config": configuration(model) if model is not None else "",
        "keras_version": program.keras.keras.__version__ if program.keras is not None and model is not None else "",
        "keras": _structure(program, model) if kind == "Keras model" else None,
        "unlisted": _unlisted(program, variables),
    }


def _unlisted(program: Program, variables: Sequence[dict[str, Any]]) -> list[int]:
    """The objects that are variables and are not described, such as those of an optimizer."""
    if program.objects is None:
        return []
    nodes = {variable["node"] for variable in variables}
    classes = program.variable_classes()
    return [
        number for number, item in enumerate(program.objects.items) if isinstance(item, classes) and number not in nodes
    ]


def _structure(program: Program, model: Any) -> dict[str, Any] | None:
    """How Keras's loaders walk a model."""
    if program.keras is not None and model is not None:
        return describe_structure(program.keras.keras, model)
    return describe_keras_2(program.result)


def _track(program: Program) -> None:
    """Finds the objects that a `tf.train.Checkpoint` would save: the program's own, else one made around its model."""
    root = program.keras_model() or program.result
    if not program.is_model(root):
        return
    program.wrapped = not isinstance(root, program.checkpoints)
    try:
        program.root = program.tf.train.Checkpoint(model=root) if program.wrapped else root
        program.objects = Objects(program.tf, program.root)
    except Exception as error:  # a class of the user's may refuse to be walked in any way
        program.notes.append(f"Its objects cannot be walked: {type(error).__name__}: {error}.")


def _weights(program: Program, model: Any) -> list[dict[str, Any]]:
    """The weights of a Keras 3 model."""
    assert program.keras is not None
    program.variables = [[weight] for weight in model.weights]
    variables = program.keras.describe(model)
    if not variables:
        message = f"{program.function} has no variables until it is called"
        raise Problem("usage", message, "Add: " + tensor_option("inputs"))
    _number(program, variables, model.weights)
    return variables


def _graph_variables(program: Program) -> tuple[str, list[dict[str, Any]]]:
    """The kind of a TensorFlow graph, and its variables."""
    graph = program.graphs.chosen()
    kind = "TensorFlow 2 graph" if program.api == "tf2" else "TensorFlow 1 graph"
    if graph is None:
        return kind, []
    items = program.graphs.variables(graph)
    variables = program.graphs.describe(graph, items)
    program.variables = program.graphs.parts(items)
    if len(items) == len(variables):  # none is partitioned
        _number(program, variables, items)
        if program.is_keras_2_model():
            kind = "Keras model"
            package = program.tf.keras.Model.__module__.split(".")[0]
            places = places_of_keras_2(package, program.result)
            for variable, item in zip(variables, items):
                variable["stored"] = places.get(id(item), "")
    return kind, variables


def _saved_variables(program: Program, objects: Objects) -> list[dict[str, Any]]:
    """The variables of a program's own `tf.train.Checkpoint`, under the keys that it saves them under."""
    variables = [item for item in objects.items if isinstance(item, program.variable_classes())]
    program.variables = [[item] for item in variables]
    described: dict[int, dict[str, Any]] = {}
    if program.keras is not None:
        keras = program.keras.keras
        weights = [item for item in variables if isinstance(item, keras.Variable)]
        layers = [item for item in objects.items if isinstance(item, keras.Layer)]
        for weight, fields in zip(weights, program.keras.describe_weights(weights, layers, {})):
            described[id(weight)] = fields
    graph = program.graphs.chosen()
    for variable in variables:
        if id(variable) not in described:
            in_graph = graph is not None and getattr(variable, "_in_graph_mode", False)
            described[id(variable)] = (
                program.graphs.describe(graph, [variable])[0] if in_graph else eager_variable(variable)
            )
        number = objects.numbers[id(variable)]
        described[id(variable)].update(node=number, key=objects.key(number))
    return [described[id(variable)] for variable in variables]


def _number(program: Program, variables: Sequence[dict[str, Any]], items: Sequence[Any]) -> None:
    """Tells for each variable which object it is."""
    if program.objects is not None:
        for variable, item in zip(variables, items):
            variable["node"] = program.objects.numbers.get(id(item), -1)
