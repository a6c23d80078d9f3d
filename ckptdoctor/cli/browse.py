"""`ckptdoctor browse`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT
from ckptdoctor.cli.options import (
    ArgOption,
    CheckpointArgument,
    ExcludeOption,
    IncludeOption,
    InputOption,
    PythonOption,
    TimeoutOption,
)
from ckptdoctor.cli.terminal import command, working
from ckptdoctor.errors import MissingPackage


@command
def browse(
    checkpoint: CheckpointArgument,
    graph: Annotated[
        str, typer.Option("--graph", metavar="GRAPH", help="Show its findings, and choose remedies.")
    ] = "",
    plan_file: Annotated[Path, typer.Option("--plan", metavar="FILE", help="Where s saves the plan.")] = Path(
        "plan.toml"
    ),
    inputs: InputOption = None,
    args: ArgOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    python: PythonOption = "",
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
) -> None:
    """Walk through a checkpoint in the terminal.

    / filters as you type, n and p go from finding to finding, t takes a remedy into the plan or out of it, s saves the
    plan, q quits.

    Examples:

        ckptdoctor browse vgg_16.ckpt
        ckptdoctor browse vgg_16.ckpt --graph vgg.py --input images:Nx224x224x3
        ckptdoctor convert vgg_16.ckpt fitted.ckpt --plan plan.toml
    """
    if find_spec("textual") is None:
        raise MissingPackage("browse needs textual", hint="Install it: pip install 'ckptdoctor[browse]'")
    from ckptdoctor.api.comparison import compare, side_of
    from ckptdoctor.api.opened import checkpoint_of

    opened = checkpoint_of(checkpoint)
    diagnosis = None
    if graph:
        side = side_of(graph, inputs=inputs or (), args=args or (), python=python, timeout=timeout)
        with working("comparing"):
            diagnosis = compare(side, opened, include=include or (), exclude=exclude or ())
    from ckptdoctor.browse.app import Browser

    Browser(opened, diagnosis, plan_file).run()
