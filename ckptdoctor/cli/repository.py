"""What a repository's `pyproject.toml` declares: pairs of a graph and a checkpoint."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckptdoctor.cli.options import graph_request
from ckptdoctor.errors import UsageError
from ckptdoctor.trace.request import GraphRequest

_EXAMPLE = '[[tool.ckptdoctor.check]]\ngraph = "model.py"\ncheckpoint = "weights/model.ckpt"'
_LISTS = ("inputs", "args", "include", "exclude")


@dataclass(frozen=True, slots=True)
class Declared:
    """A pair that must fit."""

    graph: str | GraphRequest
    checkpoint: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]


def read_declared(path: Path) -> tuple[Declared, ...]:
    """The pairs of a configuration file.

    Raises:
        UsageError: the file is missing, no TOML, or a table of it is wrong; the message names the table.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=f"Declare what to check in it:\n{_EXAMPLE}") from error
    tables = data.get("tool", {}).get("ckptdoctor", {}).get("check")
    if not tables or not isinstance(tables, list):
        raise UsageError(f"{path} declares nothing to check", hint=f"Add:\n{_EXAMPLE}")
    return tuple(_read_table(path, number, table) for number, table in enumerate(tables, 1))


def _read_table(path: Path, number: int, table: Any) -> Declared:
    where = f"{path}: [[tool.ckptdoctor.check]] number {number}"
    if not isinstance(table, dict) or not all(isinstance(table.get(name), str) for name in ("graph", "checkpoint")):
        raise UsageError(f"{where} needs graph and checkpoint", hint=f"For example:\n{_EXAMPLE}")
    unknown = set(table) - {"graph", "checkpoint", "python", *_LISTS}
    if unknown:
        raise UsageError(
            f"{where} has an unknown {min(unknown)}", hint="Known: graph, checkpoint, python, " + ", ".join(_LISTS)
        )
    lists = {}
    for name in _LISTS:
        lists[name] = table.get(name, [])
        if not isinstance(lists[name], list) or not all(isinstance(item, str) for item in lists[name]):
            raise UsageError(
                f"{where}: {name} is no list of strings", hint='For example inputs = ["images:Nx224x224x3"]'
            )
    python = table.get("python", "")
    if not isinstance(python, str):
        raise UsageError(f"{where}: python is no string", hint='For example python = ".venv/bin/python"')
    graph = graph_request(table["graph"], lists["inputs"], lists["args"], python)
    return Declared(graph, table["checkpoint"], tuple(lists["include"]), tuple(lists["exclude"]))
