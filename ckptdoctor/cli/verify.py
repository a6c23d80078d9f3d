"""`ckptdoctor verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT, python_request
from ckptdoctor.cli.options import (
    ArgOption,
    CheckpointArgument,
    ExcludeOption,
    IncludeOption,
    InputOption,
    PythonOption,
    TimeoutOption,
)
from ckptdoctor.cli.terminal import command, console, progress, quiet, working
from ckptdoctor.errors import UsageError


@command
def verify(
    checkpoint: CheckpointArgument,
    graph: Annotated[
        str, typer.Option("--graph", metavar="GRAPH", help="Let its library load it into this graph, and compare.")
    ] = "",
    same_as: Annotated[
        tuple[str, str] | None,
        typer.Option("--same-as", metavar="GRAPH2 CHECKPOINT2", help="Compare the outputs with those of another pair."),
    ] = None,
    inputs: InputOption = None,
    args: ArgOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    python: PythonOption = "",
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
) -> None:
    """Prove a checkpoint: checksums, restore, outputs.

    With --same-as, --input and --arg go to whichever of the two graphs has a parameter of that name.

    Examples:

        ckptdoctor verify model.ckpt
        ckptdoctor verify fitted.ckpt --graph vgg.py --input images:1x224x224x3
        ckptdoctor verify fitted.ckpt --graph vgg.py --same-as slim_vgg.py vgg_16.ckpt --input images:1x224x224x3
    """
    from rich.text import Text

    from ckptdoctor.api.opened import open as open_named
    from ckptdoctor.api.proof import check_files, compare_outputs, restore
    from ckptdoctor.reports.error_text import print_error
    from ckptdoctor.reports.proof_text import print_compared, print_restored

    out = console()
    if same_as and not graph:
        raise UsageError("--same-as compares with --graph", hint="Add --graph GRAPH.")
    opened = open_named(checkpoint)
    inventory = opened.inventory
    total = sum(entry.spec.nbytes for entry in inventory.entries.values())
    with progress("checking", total) as advance:
        problems = check_files(opened, advance)
    for problem in problems:
        print_error(problem, console(stderr=True))
    if problems:
        raise typer.Exit(problems[0].exit_code)
    files = f"{len(inventory.files)} files" if len(inventory.files) != 1 else "1 file"
    if not quiet():
        out.print(
            Text.assemble(("ok ", "bold green"), f"{len(inventory.entries):,} tensors in {files}: every checksum holds")
        )
    if not graph:
        return
    request = python_request(graph, inputs=inputs or (), args=args or (), python=python, timeout=timeout)
    if same_as:
        other = python_request(same_as[0], inputs=inputs or (), args=args or (), python=python, timeout=timeout)
        with working("running both graphs"):
            compared = compare_outputs(opened, request, same_as[1], other)
        if not (quiet() and compared.agrees):
            print_compared(compared, out)
        raise typer.Exit(0 if compared.agrees else 1)
    with working("restoring"):
        restored = restore(opened, request, include or (), exclude or ())
    if not (quiet() and restored.proved):
        print_restored(restored, out)
    raise typer.Exit(0 if restored.proved else 1)
