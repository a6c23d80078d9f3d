"""`ckptdoctor diff`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ckptdoctor import api
from ckptdoctor.cli.options import (
    ArgOption,
    AveragesOption,
    CacheOption,
    CheckpointArgument,
    ExcludeOption,
    Format,
    FormatOption,
    GraphArgument,
    IncludeOption,
    InputOption,
    MapOption,
    Purpose,
    PythonOption,
    RenameOption,
    TimeoutOption,
    graph_request,
)
from ckptdoctor.cli.terminal import console, reporting_errors
from ckptdoctor.trace.request import DEFAULT_TIMEOUT


@reporting_errors
def diff(
    graph: GraphArgument,
    checkpoint: CheckpointArgument,
    inputs: InputOption = None,
    args: ArgOption = None,
    include: IncludeOption = None,
    exclude: ExcludeOption = None,
    rename: RenameOption = None,
    name_map: MapOption = None,
    averages: AveragesOption = False,
    purpose: Annotated[Purpose, typer.Option("--for", help="Advise for this purpose.")] = Purpose.either,
    output_format: FormatOption = Format.text,
    python: PythonOption = "",
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    cache: CacheOption = True,
) -> None:
    """List every disagreement between a graph and a checkpoint, with its cause and a remedy.

    Building GRAPH runs its code.

    Examples:

        ckptdoctor diff vgg.py model.ckpt --input images:Nx224x224x3

        ckptdoctor diff models/vgg.py:build model.ckpt --arg num_classes=10

        ckptdoctor diff model.ckpt.meta other.ckpt --exclude vgg_16/fc8

        ckptdoctor diff model.py model.ckpt --rename '^tower_0/=' --for inference
    """
    from ckptdoctor.plan.renames import Names
    from ckptdoctor.reports.diff_json import diff_to_dict
    from ckptdoctor.reports.diff_text import print_diff

    request = graph_request(graph, inputs, args, python, timeout, cache)
    names = Names(tuple(rename or ()), name_map, averages)
    diagnosis = api.diff(
        request, checkpoint, include=include or (), exclude=exclude or (), names=names, purpose=purpose.value
    )
    if output_format is Format.json:
        typer.echo(json.dumps(diff_to_dict(diagnosis), indent=2))
    else:
        print_diff(diagnosis, console())
    raise typer.Exit(0 if diagnosis.clean else 1)
