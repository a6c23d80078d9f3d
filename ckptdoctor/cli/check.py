"""`ckptdoctor check`: what a repository declares must fit, fits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckptdoctor import api
from ckptdoctor.cli.options import ConfigOption, ReportFormatOption
from ckptdoctor.cli.terminal import command, console, working

if TYPE_CHECKING:
    from ckptdoctor.repository.configuration import Declared
    from ckptdoctor.repository.lock_file import Lock


@command
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]", help="Changed files; without any, everything is checked.")
    ] = None,
    locked: Annotated[
        bool,
        typer.Option("--locked", help="Compare with ckptdoctor.lock, and fail where a checkpoint is not as locked."),
    ] = False,
    output_format: ReportFormatOption = "text",
    config: ConfigOption = Path("pyproject.toml"),
) -> None:
    """Compare the pairs that pyproject.toml declares.

    A checkpoint that is not here, as in continuous integration, is replaced by what ckptdoctor.lock says about it.

    In pyproject.toml:

        [[tool.ckptdoctor.check]]
        graph = "models/vgg.py:build"
        inputs = ["images:Nx224x224x3"]
        args = ["num_classes=10"]
        checkpoint = "weights/vgg.ckpt"
        exclude = ["vgg_16/fc8"]
        ignore = ["CKD503"]  # or CKD101:vgg_16/fc8/*
        python = ".venv/bin/python"  # the one that has TensorFlow

    Examples:

        ckptdoctor check
        ckptdoctor check models/vgg.py
        ckptdoctor check --locked --format sarif > ckptdoctor.sarif
    """
    from ckptdoctor.reports.check_text import check_lines
    from ckptdoctor.reports.error_text import print_error
    from ckptdoctor.repository.configuration import read_declared
    from ckptdoctor.repository.lock_file import NAME, read_lock

    path = config.parent / NAME
    lock = read_lock(path) if locked or path.exists() else None
    declared = read_declared(config)
    changed = {file.resolve() for file in files or ()}
    pairs = declared
    if changed and not changed & {config.resolve(), path.resolve()}:
        pairs = tuple(pair for pair in declared if _touched(pair, changed, lock))
    with working("comparing"):
        diagnoses, errors = api.check(pairs, lock, locked=locked, whole=len(pairs) == len(declared))
    if output_format == "text":
        for line in (line for diagnosis in diagnoses for line in check_lines(diagnosis)):
            typer.echo(line)
    else:
        from ckptdoctor.cli.reporting import report

        typer.echo(report(output_format, diagnoses, errors))
    for error in errors:
        print_error(error, console(stderr=True))
    found = any(not diagnosis.clean for diagnosis in diagnoses)
    raise typer.Exit(errors[0].exit_code if errors else 1 if found else 0)


def _touched(declared: Declared, changed: set[Path], lock: Lock | None) -> bool:
    """Whether a changed file is the checkpoint's, the graph's, or of a module that the graph imports."""
    kept = lock.find(declared.checkpoint) if lock else None
    inventory = kept.inventory if kept else api.inspect(declared.checkpoint)
    if changed & {path.resolve() for path in inventory.files}:
        return True
    # The trace knows which files it was made from; an unchanged graph's comes from the cache.
    return bool(changed & {Path(file).resolve() for file in api.read_graph(declared.graph).files})
