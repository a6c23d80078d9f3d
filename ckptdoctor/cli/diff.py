"""`ckptdoctor diff`."""

from __future__ import annotations

import json

import typer

from ckptdoctor import api
from ckptdoctor.cli.options import (
    ArgOption,
    CacheOption,
    CheckpointArgument,
    ExcludeOption,
    Format,
    FormatOption,
    GraphArgument,
    IncludeOption,
    InputOption,
    PythonOption,
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
    """
    from ckptdoctor.reports.diff_json import diff_to_dict
    from ckptdoctor.reports.diff_text import print_diff

    request = graph_request(graph, inputs, args, python, timeout, cache)
    diagnosis = api.diff(request, checkpoint, include=include or (), exclude=exclude or ())
    if output_format is Format.json:
        typer.echo(json.dumps(diff_to_dict(diagnosis), indent=2))
    else:
        print_diff(diagnosis, console())
    raise typer.Exit(0 if diagnosis.clean else 1)
