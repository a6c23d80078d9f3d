"""`ckptdoctor lock`: what the configured checkpoints hold, written down."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import typer

from ckptdoctor.cli.options import ConfigOption
from ckptdoctor.cli.terminal import command, progress, quiet


@command
def lock(config: ConfigOption = Path("pyproject.toml")) -> None:
    """Write down what the configured checkpoints hold.

    ckptdoctor.lock has each one's variables and the SHA-256 of its files.

    Commit it. With it, check works where the checkpoints are not, and check --locked tells when one has changed.

    Examples:

        ckptdoctor lock
        ckptdoctor check --locked
    """
    from ckptdoctor.api.repository import lock as lock_repository

    with ExitStack() as stack:
        locked = lock_repository(config, lambda total: stack.enter_context(progress("reading", total)))
    if quiet():
        return
    for name, change, variables in locked.changes:
        typer.echo(f"{change:<9} {name}" + (f": {variables:,} variables" if change != "removed" else ""))
    typer.echo(f"wrote {locked.path}: commit it" if locked.written else f"{locked.path} is up to date")
