"""`ckptdoctor check`: what a repository declares must fit, fits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ckptdoctor.cli.options import ConfigOption, ReportFormatOption
from ckptdoctor.cli.terminal import command, console, working


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
    from ckptdoctor.api.repository import check as check_repository
    from ckptdoctor.reports.check_text import check_lines
    from ckptdoctor.reports.error_text import print_error

    with working("comparing"):
        checked = check_repository(config, files or (), locked=locked)
    if output_format == "text":
        for line in (line for diagnosis in checked.diagnoses for line in check_lines(diagnosis)):
            typer.echo(line)
    else:
        from ckptdoctor.reports.by_name import report

        typer.echo(report(output_format, checked.diagnoses, checked.errors))
    for error in checked.errors:
        print_error(error, console(stderr=True))
    raise typer.Exit(checked.errors[0].exit_code if checked.errors else 0 if checked.clean else 1)
