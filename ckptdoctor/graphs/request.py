"""What the user asks to be traced, as the command line writes it.

GRAPH   := file.py | file.py:NAME | package.module:NAME | file.meta | a checkpoint
--input := NAME:SIZExSIZEx…[:dtype]     a SIZE is a number, or N or ? for an unknown one; `NAME:` alone is a scalar
--arg   := NAME=VALUE                   a Python literal, else a string
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ckptdoctor.errors import UsageError
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.tensor import Shape

DEFAULT_TIMEOUT = 300.0
"""Seconds that building a graph may take."""


@dataclass(frozen=True, slots=True)
class Input:
    """A tensor parameter of the user's function: its name, shape (-1 for an unknown size) and dtype."""

    name: str
    shape: Shape
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """A graph to trace.

    Attributes:
        target: a file or a module.
        name: the function, class or model in it; empty to find it.
        inputs: tensor parameters.
        args: other parameters.
        python: the interpreter that builds the graph.
        timeout: seconds it may take.
        cache: whether an earlier trace of the same content may be used.
    """

    target: str
    name: str = ""
    inputs: tuple[Input, ...] = ()
    args: tuple[tuple[str, Any], ...] = ()
    python: str = field(default_factory=lambda: sys.executable)
    timeout: float = DEFAULT_TIMEOUT
    cache: bool = True

    @property
    def source(self) -> str:
        """The graph as a command can name it again."""
        return f"{self.target}:{self.name}" if self.name else self.target

    @property
    def options(self) -> tuple[str, ...]:
        """The inputs and arguments as arguments of a command."""
        inputs = [("--input", f"{item.name}:{_show_sizes(item)}") for item in self.inputs]
        parameters = [("--arg", _show_arg(name, value)) for name, value in self.args]
        return tuple(argument for option in (*inputs, *parameters) for argument in option)


def _show_sizes(item: Input) -> str:
    sizes = "x".join("N" if size < 0 else str(size) for size in item.shape)
    return sizes if item.dtype == "float32" else f"{sizes}:{item.dtype}"


def _show_arg(name: str, value: Any) -> str:
    """What `parse_arg` reads this value from; a string needs no quotes unless it looks like something else."""
    plain = f"{name}={value}"
    return plain if parse_arg(plain) == (name, value) else f"{name}={value!r}"


def is_meta_graph(target: str) -> bool:
    """Whether a target is a `.meta` file."""
    return target.endswith(".meta")


def is_python_graph(target: str) -> bool:
    """Whether a target is Python source: a file, or a module with a name in it."""
    return target.endswith(".py") or (":" in target and not Path(target).exists())


def parse_target(graph: str) -> tuple[str, str]:
    """Target and name of a GRAPH argument.

    Raises:
        UsageError: it is neither a Python file nor a module with a name in it.
    """
    target, _, name = graph.rpartition(":") if ":" in graph else (graph, "", "")
    if target.endswith(".py") and not Path(target).is_file():
        raise UsageError(f"there is no file {target}", hint="Name the Python file that builds your graph.")
    if not is_python_graph(graph):
        raise UsageError(
            f"{graph} is no graph",
            hint="Name file.py, file.py:function, package.module:function, a .meta file or another checkpoint.",
        )
    return target, name


def parse_input(text: str) -> Input:
    """An `--input` option.

    Raises:
        UsageError: it is not NAME:SIZExSIZE…[:dtype].
    """
    name, *rest = text.split(":")
    try:
        if not name or not 1 <= len(rest) <= 2:
            raise ValueError
        sizes = [size for size in rest[0].lower().split("x") if size]
        shape = tuple(-1 if size in ("n", "?") else int(size) for size in sizes)
        dtype = dtype_from_name(rest[1]).name if len(rest) == 2 else "float32"
    except (ValueError, KeyError):
        raise UsageError(
            f"--input {text!r} is not NAME:SIZES[:dtype]",
            hint="For example --input images:Nx224x224x3 or --input ids:1x128:int32; N or ? is an unknown size.",
        ) from None
    return Input(name, shape, dtype)


def parse_arg(text: str) -> tuple[str, Any]:
    """An `--arg` option: a name and a value.

    Raises:
        UsageError: it is not NAME=VALUE.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"--arg {text!r} is not NAME=VALUE", hint="For example --arg num_classes=10.")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def make_request(
    graph: str,
    *,
    inputs: Sequence[str] = (),
    args: Sequence[str] = (),
    python: str = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
) -> GraphRequest:
    """A request from the command line's strings.

    Raises:
        UsageError: one of them cannot be understood.
    """
    target, name = parse_target(graph)
    return GraphRequest(
        target,
        name,
        tuple(map(parse_input, inputs)),
        tuple(map(parse_arg, args)),
        python or sys.executable,
        timeout,
        cache,
    )


def graph_request(
    graph: str,
    inputs: Sequence[str] | None,
    args: Sequence[str] | None,
    python: str = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
) -> str | GraphRequest:
    """What `ckptdoctor.api` takes as a graph: a request for Python source, else the name itself.

    Raises:
        UsageError: an option cannot be understood, or means nothing to this graph.
    """
    if is_python_graph(graph):
        return make_request(graph, inputs=inputs or (), args=args or (), python=python, timeout=timeout, cache=cache)
    if inputs or args:
        raise UsageError(
            f"{graph} is no Python source, so --input and --arg mean nothing to it", hint="Leave them out."
        )
    return graph
