"""Options that several commands share."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ckptdoctor.errors import UsageError
from ckptdoctor.trace.request import DEFAULT_TIMEOUT, GraphRequest, is_python_graph, make_request


class Format(StrEnum):
    """How to print."""

    text = "text"
    json = "json"


class Purpose(StrEnum):
    """What the checkpoint is wanted for."""

    finetune = "finetune"
    inference = "inference"
    either = "either"


GraphArgument = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="file.py, file.py:NAME, package.module:NAME, a .meta file, or another checkpoint.",
        show_default=False,
    ),
]
CheckpointArgument = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT", help="A prefix, an .index, a data shard, a V1 file, or a directory.", show_default=False
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME:SIZES[:dtype]", help="A tensor parameter, e.g. images:Nx224x224x3."),
]
ArgOption = Annotated[
    list[str] | None, typer.Option("--arg", metavar="NAME=VALUE", help="Another parameter, e.g. num_classes=10.")
]
IncludeOption = Annotated[
    list[str] | None, typer.Option("--include", metavar="SCOPE", help="Compare only this scope (a prefix, as in slim).")
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="SCOPE", help="Leave this scope out (a prefix, as in slim).")
]
RenameOption = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="REGEX=REPLACEMENT", help="Take the checkpoint's keys under other names."),
]
MapOption = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="The same, from a file: CHECKPOINT_KEY GRAPH_KEY a line.")
]
AveragesOption = Annotated[
    bool, typer.Option("--ema", help="Moving averages take the place of the variables that they are of.")
]
PythonOption = Annotated[
    str, typer.Option("--python", metavar="PATH", help="The interpreter that builds the graph.", show_default=False)
]
TimeoutOption = Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="How long building may take.")]
CacheOption = Annotated[bool, typer.Option("--cache/--no-cache", help="Use the trace of an unchanged graph.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]


def graph_request(
    graph: str,
    inputs: list[str] | None,
    args: list[str] | None,
    python: str = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
) -> str | GraphRequest:
    """What `ckptdoctor.api` takes as a graph: a request for Python source, else the name itself."""
    if is_python_graph(graph):
        return make_request(graph, inputs=inputs or (), args=args or (), python=python, timeout=timeout, cache=cache)
    if inputs or args:
        raise UsageError(
            f"{graph} is no Python source, so --input and --arg mean nothing to it", hint="Leave them out."
        )
    return graph


def python_request(
    graph: str, inputs: list[str] | None, args: list[str] | None, python: str, timeout: float
) -> GraphRequest:
    """A request for a graph that must be built and run."""
    return make_request(graph, inputs=inputs or (), args=args or (), python=python, timeout=timeout, cache=False)


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?", re.IGNORECASE)


def parse_size(text: str) -> int:
    """Bytes, from `500MB`, `2GiB`, `5G` or a number.

    Raises:
        UsageError: it is no size above 0.
    """
    match = _SIZE.fullmatch(text.strip())
    unit = (1024 if match[3] else 1000) ** " kmgt".index(match[2].lower() or " ") if match else 0
    size = int(float(match[1]) * unit) if match else 0
    if not size:
        raise UsageError(f"{text!r} is no size", hint="For example --max-shard-size 500MB or 5GB.")
    return size
