"""Which of the things in the user's program is the graph."""

from __future__ import annotations

import ast
import importlib
import inspect
import types
from typing import Any, Dict, Sequence

from .arguments import option_for, use
from .objects import Objects
from .problem import Problem
from .program import Program

_NOT_BUILDERS = ("main", "train", "evaluate", "eval", "test", "run", "parse_args", "get_args", "load_data")
Namespace = Dict[str, Any]


def build(program: Program) -> None:
    """Runs the program, and calls what builds its graph: what was named, else the only model, variables or function.

    Raises:
        Problem: nothing does, or several may.
    """
    program.prepare()
    by_file = program.request["target"].endswith(".py")
    if by_file:
        namespace = program.execute(program.module_name)
    else:
        module = program.guard(importlib.import_module, program.module_name)
        namespace = vars(module or types.ModuleType(""))
    name = program.request["name"]
    if name:
        use(program, _named(program, namespace, name), name)
    elif not _use_what_there_is(program, namespace) and not (by_file and _use_as_program(program)):
        target = program.request["target"]
        raise Problem(
            "user",
            f"{target} makes no variable and defines no model or function",
            f"Name the function that builds the graph: {target}:FUNCTION",
            "\n".join(program.notes),
        )


def _named(program: Program, namespace: Namespace, name: str) -> Any:
    if name not in namespace:
        near = _candidates(program, namespace)
        message = f"{program.request['target']} defines no {name}"
        raise Problem("usage", message, f"It defines: {', '.join(near)}" if near else "")
    return namespace[name]


def _use_what_there_is(program: Program, namespace: Namespace) -> bool:
    """Uses the only model, the variables that were made, or the only builder; whether there was one."""
    models = _models(program, namespace)
    if len(models) > 1:
        raise _ambiguous(program, "Keras models", models)
    if models:
        use(program, models[0][1], models[0][0])
        return True
    if program.graphs.variables(program.graphs.chosen()):
        return True
    builders = _builders(program, namespace)
    if len(builders) > 1:
        raise _ambiguous(program, "functions and classes", [(key, namespace[key]) for key in builders])
    if builders:
        use(program, namespace[builders[0]], builders[0])
    return bool(builders)


def _use_as_program(program: Program) -> bool:
    """Runs the file as a program; whether that made a graph."""
    namespace = program.execute("__main__")
    models = _models(program, namespace)
    if len(models) == 1:
        use(program, models[0][1], models[0][0])
    if models or program.graphs.variables(program.graphs.chosen()):
        program.notes.append("Run as a program, because importing it makes no variable and defines no function.")
        return True
    return False


def _ambiguous(program: Program, what: str, named: Sequence[tuple[str, Any]]) -> Problem:
    target = program.request["target"]
    lines = []
    for name, item in named:
        line = f"  {target}:{name}"
        if callable(item) and not program.is_model(item):
            line += "".join(" " + option_for(parameter) for parameter in _needed(item))
        lines.append(line)
    message = f"{target} defines {len(named)} {what}; which one is the graph?"
    return Problem("usage", message, "Name one of:\n" + "\n".join(lines))


def _needed(item: Any) -> list[str]:
    """The parameters without which something cannot be called."""
    try:
        parameters = inspect.signature(item).parameters.values()
    except (TypeError, ValueError):
        return []
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p.name for p in parameters if p.default is p.empty and p.kind not in open_ended]


def _models(program: Program, namespace: Namespace) -> list[tuple[str, Any]]:
    """The models of a namespace that are part of no other one, each once."""
    models: dict[int, tuple[str, Any]] = {}
    for key, item in namespace.items():
        if not key.startswith("_") and program.is_model(item):
            models.setdefault(id(item), (key, item))
    named = list(models.values())
    if len(named) > 1:
        # A model that is part of a checkpoint is not the graph.
        saved = [Objects(program.tf, item) for _, item in named if isinstance(item, program.checkpoints)]
        held = {id(part) for objects in saved for part in objects.items[1:]}
        named = [(key, item) for key, item in named if id(item) not in held]
    if len(named) > 1:
        inner = _parts_of_models(program, [item for _, item in named])
        named = [(key, item) for key, item in named if id(item) not in inner]
    return named


def _parts_of_models(program: Program, models: Sequence[Any]) -> set[int]:
    if program.keras is not None:
        walked = [(item, item._flatten_layers()) for item in models if hasattr(item, "_flatten_layers")]
    elif all(hasattr(item, "submodules") for item in models):
        walked = [(item, item.submodules) for item in models]
    else:
        return set()
    return {id(part) for item, parts in walked for part in parts if part is not item}


def _candidates(program: Program, namespace: Namespace) -> list[str]:
    """The functions and classes that a program defines."""
    return [
        key
        for key, item in namespace.items()
        if not key.startswith("_")
        and (inspect.isfunction(item) or inspect.isclass(item))
        and getattr(item, "__module__", "") == program.module_name
    ]


def _builders(program: Program, namespace: Namespace) -> list[str]:
    """Functions and model classes that no other one of the file calls."""
    called = set()
    with open(program.path, "rb") as handle:
        tree = ast.parse(handle.read())
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and inner.id != node.name:
                    called.add(inner.id)
    classes = (program.tf.Module, *((program.keras.keras.Layer,) if program.keras else ()))
    return [
        key
        for key in _candidates(program, namespace)
        if key not in called
        and key not in _NOT_BUILDERS
        and (inspect.isfunction(namespace[key]) or issubclass(namespace[key], classes))
    ]
