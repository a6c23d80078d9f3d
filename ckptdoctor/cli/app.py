"""The commands, listed by hand."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from ckptdoctor.cli.browse import browse
from ckptdoctor.cli.check import check
from ckptdoctor.cli.convert import convert
from ckptdoctor.cli.demo import demo
from ckptdoctor.cli.diff import diff
from ckptdoctor.cli.explain import explain
from ckptdoctor.cli.inspect import inspect
from ckptdoctor.cli.lock import lock
from ckptdoctor.cli.run import SETTINGS, run
from ckptdoctor.cli.terminal import print_in_any_encoding
from ckptdoctor.cli.verify import verify
from ckptdoctor.version import __version__

_ALLOCATIONS = 500_000

app = typer.Typer(
    name="ckptdoctor",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help takes half the lines
    context_settings={"help_option_names": ["-h", "--help"]},
)


_REPORTED = ("numpy", "h5py", "ml-dtypes", "protobuf", "rich", "typer", "tensorflow", "keras", "tf-slim")
"""Packages whose versions a bug report needs, beside the system's and Python's."""


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    import platform
    import sys
    from importlib.metadata import PackageNotFoundError, version

    typer.echo(f"ckptdoctor {__version__}")
    typer.echo(f"Python {platform.python_version()} ({sys.executable}), {platform.platform(terse=True)}")
    for name in _REPORTED:
        found = []
        for package in (name, "tensorflow-cpu", "tf-nightly") if name == "tensorflow" else (name,):
            try:
                found.append(f"{package} {version(package)}")
            except PackageNotFoundError:
                continue
        typer.echo(", ".join(found) or f"{name} is not installed")
    raise typer.Exit


@app.callback()
def describe(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the versions that a bug report needs."
        ),
    ] = False,
) -> None:
    """Why a TensorFlow checkpoint does not fit a graph, and what to do about it.

    lhs is always the graph, rhs the checkpoint, as in TensorFlow's own message.

    Exit codes: 0 clean · 1 findings · 2 usage · 3 unreadable input · 4 a bug of ours · 130 interrupted.
    """


for command in (diff, explain, convert, verify, inspect, browse, check, lock, demo):
    app.command()(command)
app.command(context_settings=SETTINGS)(run)


def main() -> None:
    """Runs the command line."""
    # A million entries are no garbage: looking through them again and again takes longer than reading them.
    gc.set_threshold(_ALLOCATIONS, 20, 100)
    print_in_any_encoding()
    app()
