"""`ckptdoctor check`: what a repository declares must fit, fits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckptdoctor import api
from ckptdoctor.cli.terminal import reporting_errors

if TYPE_CHECKING:
    from ckptdoctor.cli.repository import Declared


@reporting_errors
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]", help="Changed files; without any, everything is checked.")
    ] = None,
    config: Annotated[Path, typer.Option("--config", help="The file with [[tool.ckptdoctor.check]].")] = Path(
        "pyproject.toml"
    ),
) -> None:
    """Compare the graphs and checkpoints that pyproject.toml pairs, where a changed file touches them.

    In pyproject.toml:

        [[tool.ckptdoctor.check]]
        graph = "models/vgg.py:build"
        inputs = ["images:Nx224x224x3"]
        args = ["num_classes=10"]
        checkpoint = "weights/vgg.ckpt"
        exclude = ["vgg_16/fc8"]
        python = ".venv/bin/python"  # the one that has TensorFlow

    Examples:

        ckptdoctor check

        ckptdoctor check models/vgg.py
    """
    from ckptdoctor.cli.repository import read_declared
    from ckptdoctor.reports.check_text import check_lines

    found = False
    changed = {path.resolve() for path in files or ()}
    for declared in read_declared(config):
        if changed and config.resolve() not in changed and not _touched(declared, changed):
            continue
        diagnosis = api.diff(declared.graph, declared.checkpoint, include=declared.include, exclude=declared.exclude)
        lines = check_lines(diagnosis)
        found = found or bool(lines)
        for line in lines:
            typer.echo(line)
    raise typer.Exit(1 if found else 0)


def _touched(declared: Declared, changed: set[Path]) -> bool:
    """Whether a changed file is the checkpoint's, the graph's, or of a module that the graph imports."""
    inventory = api.inspect(declared.checkpoint)
    if changed & {path.resolve() for path in inventory.files}:
        return True
    # The trace knows which files it was made from; an unchanged graph's comes from the cache.
    return bool(changed & {Path(file).resolve() for file in api.read_graph(declared.graph).files})
