"""Calling what builds the graph, with the arguments that the user gave."""

from __future__ import annotations

import inspect
import re
from typing import Any

from .problem import Problem
from .program import Program
from .protocol import unpack

_TENSOR_NAMES = re.compile(
    r"(^|_)(x|inputs?|images?|features?|tokens?|ids|img|data|batch|tensors?|net|imgs|rgb)($|_|s$)", re.I
)
_PLAIN = (str, bool, int)
_OPEN_ENDED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def tensor_option(name: str) -> str:
    """How the command line gives a tensor."""
    return f"--input {name}:Nx224x224x3"


def option_for(name: str) -> str:
    """How the command line gives a parameter, judged by its name."""
    return tensor_option(name) if _TENSOR_NAMES.search(name) else f"--arg {name}=VALUE"


def use(program: Program, item: Any, name: str) -> None:
    """Makes something the program's result: a model itself, or what a function or class gives.

    Raises:
        Problem: it cannot be called, or its arguments are not those that were given.
    """
    program.function = name
    if program.is_model(item):
        program.result = item
        _feed(program, item)
        return
    if not callable(item):
        raise Problem("usage", f"{name} is no function, model or class")
    arguments = _bind(program, item, name)
    program.result = program.guard(item, **arguments)
    if inspect.isclass(item) and program.result is not None:
        _feed(program, program.result)


def _bind(program: Program, item: Any, name: str) -> dict[str, Any]:
    """The arguments of a call, as the user gave them."""
    request = program.request
    try:
        parameters: dict[str, inspect.Parameter] = dict(inspect.signature(item).parameters)
    except (TypeError, ValueError):
        parameters = {}
    arguments = {}
    for key, value in request["args"].items():
        if key in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            arguments[key] = unpack(value)
        elif not request["lenient"]:
            raise _no_parameter(name, key, parameters)
    for given in request["inputs"]:
        if given["name"] in parameters:
            arguments[given["name"]] = _symbol(program, given)
        elif not inspect.isclass(item) and not request["lenient"]:
            raise _no_parameter(name, given["name"], parameters)
    missing = [
        p.name
        for p in parameters.values()
        if p.default is p.empty and p.name not in arguments and p.kind not in _OPEN_ENDED
    ]
    if missing:
        hint = "Add: " + " ".join(option_for(key) for key in missing)
        raise Problem("usage", f"{name}() needs {', '.join(missing)}", hint)
    values = [(p.name, arguments.get(p.name, p.default)) for p in parameters.values() if p.kind not in _OPEN_ENDED]
    program.parameters = [[key, value] for key, value in values if value is None or type(value) in _PLAIN]
    return arguments


def _no_parameter(name: str, key: str, parameters: dict[str, Any]) -> Problem:
    return Problem("usage", f"{name} has no parameter {key}", "It has: " + ", ".join(parameters))


def _symbol(program: Program, given: dict[str, Any]) -> Any:
    """A tensor of the graph for an input, kept as the program's placeholder."""
    shape = [None if size < 0 else size for size in given["shape"]]
    if program.keras is not None:
        tensor = program.keras.keras.Input(batch_shape=shape, dtype=given["dtype"], name=given["name"])
    else:
        tensor = program.tf.compat.v1.placeholder(given["dtype"], shape, name=given["name"])
    program.placeholders[given["name"]] = (tensor, given)
    return tensor


def _feed(program: Program, model: Any) -> None:
    """Builds a subclassed model by calling it on the inputs."""
    if isinstance(model, program.checkpoints):
        return
    inputs = program.request["inputs"]
    if inputs:
        placeholders = program.placeholders
        tensors = [placeholders[g["name"]][0] if g["name"] in placeholders else _symbol(program, g) for g in inputs]
        # Kept: Keras's symbolic tensors live as long as what they came from.
        program.called = (tensors, program.guard(model, *tensors))
        return
    unbuilt = not list(getattr(model, "weights", None) or getattr(model, "variables", ()) or ())
    # What Python has for every class is no call of the model's own.
    call = getattr(model, "call", None) or getattr(model, "__call__", None)  # noqa: B004
    if unbuilt and call is not None:
        names = [
            p.name
            for p in inspect.signature(call).parameters.values()
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        raise Problem(
            "usage",
            f"{program.function or type(model).__name__} has no variables until it is called",
            "Add: " + " ".join(tensor_option(name) for name in names or ["inputs"]),
        )
