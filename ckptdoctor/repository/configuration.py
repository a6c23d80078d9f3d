"""What a repository's `pyproject.toml` declares: pairs of a graph and a checkpoint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ckptdoctor import toml_text
from ckptdoctor.diagnosis.ignores import Ignore
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.request import GraphRequest, graph_request
from ckptdoctor.specs.graph import SourceLine
from ckptdoctor.specs.near_names import did_you_mean

_EXAMPLE = '[[tool.ckptdoctor.check]]\ngraph = "model.py"\ncheckpoint = "weights/model.ckpt"'
_LISTS = ("inputs", "args", "include", "exclude", "ignore")
_KNOWN = ("graph", "checkpoint", "python", *_LISTS)
_HEADER = re.compile(r"\s*\[\[\s*tool\.ckptdoctor\.check\s*\]\]")


@dataclass(frozen=True, slots=True)
class Declared:
    """A pair that must fit.

    Attributes:
        graph: a GRAPH argument, or a request with inputs and arguments.
        checkpoint: a CHECKPOINT argument.
        include, exclude: scopes that take part, and that do not.
        ignore: what is known and accepted.
    """

    graph: str | GraphRequest
    checkpoint: str
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    ignore: tuple[Ignore, ...] = ()


def read_declared(path: Path) -> tuple[Declared, ...]:
    """The pairs of a configuration file.

    Raises:
        UsageError: the file is missing, no TOML, or a table of it is wrong; the message names the table.
    """
    try:
        text = path.read_text("utf-8")
        data = toml_text.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint=f"Declare what to check in it:\n{_EXAMPLE}") from error
    tables = data.get("tool", {}).get("ckptdoctor", {}).get("check")
    if not tables or not isinstance(tables, list):
        raise UsageError(f"{path} declares nothing to check", hint=f"Add:\n{_EXAMPLE}")
    lines = text.splitlines()
    headers = [SourceLine(str(path), number, line) for number, line in enumerate(lines, 1) if _HEADER.match(line)]
    places = headers if len(headers) == len(tables) else [SourceLine(str(path), 1, "")] * len(tables)
    return tuple(
        _read_table(path, number, table, place)
        for number, (table, place) in enumerate(zip(tables, places, strict=True), 1)
    )


def _read_table(path: Path, number: int, table: Any, place: SourceLine) -> Declared:
    where = f"{path}: [[tool.ckptdoctor.check]] number {number}"
    if not isinstance(table, dict) or not all(isinstance(table.get(name), str) for name in ("graph", "checkpoint")):
        raise UsageError(f"{where} needs graph and checkpoint", hint=f"For example:\n{_EXAMPLE}")
    unknown = set(table) - set(_KNOWN)
    if unknown:
        hint = did_you_mean(min(unknown), _KNOWN) or "Known: " + ", ".join(_KNOWN)
        raise UsageError(f"{where} has an unknown {min(unknown)}", hint=hint)
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
    ignore = tuple(Ignore(text, place) for text in lists["ignore"])
    return Declared(graph, table["checkpoint"], tuple(lists["include"]), tuple(lists["exclude"]), ignore)
