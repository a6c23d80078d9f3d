"""Where commands print, how errors end, and how long work shows its progress."""

from __future__ import annotations

import codecs
import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import typer

from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

OUR_BUG, INTERRUPTED = 4, 130

Color = Literal["auto", "always", "never"]


@dataclass(frozen=True, slots=True)
class Output:
    """How the user wants to be spoken to."""

    quiet: bool = False
    verbose: bool = False
    color: Color = "auto"


_OUTPUT: ContextVar[Output] = ContextVar("output")
_ORDINARY = Output()

_SHARED = (
    (
        "quiet",
        bool,
        typer.Option("--quiet", "-q", help="Only what is wrong, a line each."),
        False,
    ),
    (
        "verbose",
        bool,
        typer.Option("--verbose", "-v", help="Sum nothing up; say what took long."),
        False,
    ),
    (
        "color",
        Color,
        typer.Option("--color", metavar="WHEN", help="auto, always or never.", show_default=False),
        "auto",
    ),
)


def quiet() -> bool:
    """Whether only what is wrong is to be printed."""
    return _OUTPUT.get(_ORDINARY).quiet


def verbose() -> bool:
    """Whether nothing is to be summed up."""
    return _OUTPUT.get(_ORDINARY).verbose


def console(*, stderr: bool = False) -> Console:
    """A console that prints text as it is; 80 columns where there is no terminal."""
    from rich.console import Console

    color = _OUTPUT.get(_ORDINARY).color
    return Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        force_terminal={"auto": None, "always": True, "never": False}[color],
    )


_PLAIN = {
    **dict.fromkeys("└├", "+"),
    **dict.fromkeys("│▏", "|"),
    **dict.fromkeys("─━═", "-"),
    **dict.fromkeys("▁▂", "."),
    **dict.fromkeys("▃▄", ":"),
    **dict.fromkeys("▅▆", "+"),
    **dict.fromkeys("▇█", "#"),
    **dict.fromkeys("·•", "*"),
    "×": "x",
    "…": "...",
    "→": "->",
    "≈": "~",
}
"""What stands for a character that a terminal's encoding lacks, such as a Windows code page or LANG=C."""


def _plainly(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    wanted = error.object[error.start : error.end]
    return "".join(_PLAIN.get(char) or ascii(char)[1:-1] for char in wanted), error.end


def print_in_any_encoding() -> None:
    """Has standard output and error print what their encoding lacks in plain characters."""
    codecs.register_error("ckptdoctor", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="ckptdoctor")


def command(run: Callable[..., None]) -> Callable[..., None]:
    """A command with the options that all have, which ends every error with a message, and shows no traceback."""

    @functools.wraps(run)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        kwargs.pop("help_all", None)
        output = Output(*(kwargs.pop(name, default) for name, _, _, default in _SHARED))
        before = _OUTPUT.set(output)
        try:
            run(*args, **kwargs)
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
            typer.echo(f"  help: please report it with the log and `ckptdoctor --version`: {log.name}", err=True)
            raise typer.Exit(OUR_BUG) from error
        finally:
            _OUTPUT.reset(before)

    wrapped.__doc__ = _unwrapped_blocks(inspect.getdoc(run) or "")
    signature = inspect.signature(run, eval_str=True)
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])
        for name, kind, option, default in _SHARED
    ]
    parameters = [*signature.parameters.values(), *shared]
    if any(_hidden(parameter) for parameter in parameters):
        parameters.append(_HELP_ALL)
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _show_everything(ctx: typer.Context, wanted: bool) -> None:
    if wanted:
        for parameter in ctx.command.params:
            if hasattr(parameter, "hidden"):
                parameter.hidden = False
        typer.echo(ctx.get_help())
        raise typer.Exit


_HELP_ALL = inspect.Parameter(
    "help_all",
    inspect.Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option("--help-all", is_eager=True, callback=_show_everything, help="Show the rarer options, too."),
    ],
)


def _hidden(parameter: inspect.Parameter) -> bool:
    return any(getattr(item, "hidden", False) for item in getattr(parameter.annotation, "__metadata__", ()))


def _unwrapped_blocks(text: str) -> str:
    """A help text whose indented blocks, such as examples, keep their lines (click: a paragraph that starts with \\b)."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(f"\b\n{part}" if part.startswith("    ") else part for part in paragraphs)


def _shows_progress(stream: TextIO) -> bool:
    return stream.isatty() and not quiet()


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], object]]:
    """A bar over `total` bytes with the throughput, on standard error if that is a terminal; gives the function to call."""
    if not _shows_progress(sys.stderr):
        yield lambda size: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda size: bar.advance(task, size)


@contextmanager
def working(title: str) -> Iterator[None]:
    """A sign of life on standard error while something runs whose end cannot be foreseen, such as TensorFlow's start.

    With --verbose, how long it took.
    """
    from time import perf_counter

    start = perf_counter()
    if _shows_progress(sys.stderr):
        with console(stderr=True).status(title):
            yield
    else:
        yield
    if verbose():
        typer.echo(f"{title}: {perf_counter() - start:.2f} s", err=True)
