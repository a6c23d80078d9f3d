"""`ckptdoctor lock`: what the configured checkpoints hold, written down."""

from __future__ import annotations

from pathlib import Path

import typer

from ckptdoctor import api
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
    from ckptdoctor.io.atomic_output import AtomicOutput
    from ckptdoctor.repository.configuration import read_declared
    from ckptdoctor.repository.lock_file import NAME, lock_checkpoint, lock_text, read_lock

    path = config.parent / NAME
    names = list(dict.fromkeys(pair.checkpoint for pair in read_declared(config)))
    before = read_lock(path).checkpoints if path.exists() else ()
    inventories = {name: api.inspect(name) for name in names}
    files = [file for inventory in inventories.values() for file in inventory.files]
    total = sum(file.stat().st_size for file in files if file.exists())
    with progress("reading", total) as advance:
        locked = [lock_checkpoint(name, inventory, advance) for name, inventory in inventories.items()]
    text = lock_text(locked)
    old = {item.checkpoint: item.files for item in before}
    current = path.exists() and path.read_text("utf-8") == text
    if not current:
        with AtomicOutput(force=True) as output:
            output.create(path).write(text.encode())
            output.commit()
    if quiet():
        return
    for item in locked:
        state = (
            "added" if item.checkpoint not in old else "unchanged" if old[item.checkpoint] == item.files else "updated"
        )
        typer.echo(f"{state:<9} {item.checkpoint}: {len(item.inventory.variables):,} variables")
    for name in old.keys() - set(names):
        typer.echo(f"removed   {name}")
    typer.echo(f"{path} is up to date" if current else f"wrote {path}: commit it")
