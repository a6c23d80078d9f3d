"""`ckptdoctor verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from ckptdoctor import api
from ckptdoctor.cli.options import (
    ArgOption,
    CheckpointArgument,
    InputOption,
    PythonOption,
    TimeoutOption,
    python_request,
)
from ckptdoctor.cli.terminal import command, console, progress, quiet, working
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.request import DEFAULT_TIMEOUT


@command
def verify(
    checkpoint: CheckpointArgument,
    graph: Annotated[
        str, typer.Option("--graph", metavar="GRAPH", help="Let TensorFlow restore it into this graph, and compare.")
    ] = "",
    same_as: Annotated[
        tuple[str, str] | None,
        typer.Option("--same-as", metavar="GRAPH2 CHECKPOINT2", help="Compare the outputs with those of another pair."),
    ] = None,
    inputs: InputOption = None,
    args: ArgOption = None,
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

    from ckptdoctor.reports.error_text import print_error
    from ckptdoctor.reports.verify_text import print_compared, print_restored

    out = console()
    if same_as and not graph:
        raise UsageError("--same-as compares with --graph", hint="Add --graph GRAPH.")
    inventory = api.inspect(checkpoint)
    total = sum(entry.spec.nbytes for entry in inventory.entries.values())
    with progress("checking", total) as advance:
        problems = api.verify(checkpoint, advance)
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
    request = python_request(graph, inputs, args, python, timeout)
    if same_as:
        other = python_request(same_as[0], inputs, args, python, timeout)
        with working("running both graphs"):
            compared = api.compare(checkpoint, request, same_as[1], other)
        if not (quiet() and compared.agrees):
            print_compared(compared, out)
        raise typer.Exit(0 if compared.agrees else 1)
    with working("restoring"):
        restored = api.restore(checkpoint, request)
    if not (quiet() and restored.proved):
        print_restored(restored, out)
    raise typer.Exit(0 if restored.proved else 1)
