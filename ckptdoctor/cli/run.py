"""`ckptdoctor run`: a program as it is, with its restores watched."""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from ckptdoctor.cli.terminal import INTERRUPTED, command
from ckptdoctor.errors import UsageError

SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
"""Everything behind the script is the script's."""


@command
def run(
    context: typer.Context,
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="The Python program.", show_default=False)],
) -> None:
    """Run a program and explain its restores.

    It is explained where a restore fails, or silently leaves a value of another shape.

    The program's own output, exception and exit code stay as they are. It runs under the interpreter that ckptdoctor is
    installed for: python -m ckptdoctor run … chooses another one.

    Examples:

        ckptdoctor run train.py --model_dir runs/7
        .venv/bin/python -m ckptdoctor run train.py
    """
    if not script.is_file():
        raise UsageError(
            f"there is no file {script}", hint="Name the Python program: ckptdoctor run train.py ARGUMENTS"
        )
    from ckptdoctor import explain_restore

    sys.argv = [str(script), *context.args]
    sys.path[0] = str(script.resolve().parent)
    try:
        with explain_restore():
            runpy.run_path(str(script), run_name="__main__")
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        _print_traceback(error, script)
        raise typer.Exit(1) from None


def _print_traceback(error: Exception, script: Path) -> None:
    """The program's traceback from its own first line on, as Python would print it."""
    start = error.__traceback__
    frame = start
    while frame is not None and frame.tb_frame.f_code.co_filename != str(script):
        frame = frame.tb_next
    traceback.print_exception(type(error), error, frame or start)
