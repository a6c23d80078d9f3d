"""Where commands print, how errors end, and how long work shows its progress."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer

from ckptdoctor import __version__
from ckptdoctor.errors import CkptDoctorError

if TYPE_CHECKING:
    from rich.console import Console

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

OUR_BUG, INTERRUPTED = 4, 130


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is; 80 columns where there is no terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def reporting_errors(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """A command that ends every error with a message and an exit code, and shows no traceback."""

    @functools.wraps(command)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            return command(*args, **kwargs)
        except CkptDoctorError as error:
            from ckptdoctor.reports.error_text import print_error

            print_error(error, console(stderr=True))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            typer.echo("interrupted; nothing was left half-written", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:
            # The reader of a pipe has seen enough; Python must not complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            import tempfile
            import traceback

            with tempfile.NamedTemporaryFile("w", prefix="ckptdoctor-crash-", suffix=".log", delete=False) as log:
                log.write(f"ckptdoctor {__version__}, Python {sys.version}\n{sys.argv}\n{traceback.format_exc()}")
            typer.echo(f"error: a bug in ckptdoctor: {type(error).__name__}: {error}", err=True)
            typer.echo(f"  help: please report it with the log: {log.name}", err=True)
            raise typer.Exit(OUR_BUG) from error

    return wrapped


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """A progress bar over `total` bytes on standard error, if that is a terminal; gives the function to call."""
    if not sys.stderr.isatty():
        yield lambda size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda size: bar.advance(task, size)
