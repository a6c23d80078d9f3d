"""`ckptdoctor diff`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
from ckptdoctor.cli.terminal import console, progress, reporting_errors
from ckptdoctor.errors import UsageError
from ckptdoctor.trace.request import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.executor.values import ValueDifference


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
    values: Annotated[
        bool, typer.Option("--values", help="Compare the values too: GRAPH is another checkpoint.")
    ] = False,
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

        ckptdoctor diff before.ckpt after.ckpt --values

        ckptdoctor diff model.py model.ckpt --rename '^tower_0/=' --for inference
    """
    from ckptdoctor.plan.renames import Names
    from ckptdoctor.reports.diff_json import diff_to_dict
    from ckptdoctor.reports.diff_text import print_diff
    from ckptdoctor.reports.json_text import json_text
    from ckptdoctor.reports.values_json import difference_to_dict
    from ckptdoctor.reports.values_text import print_differences

    request = graph_request(graph, inputs, args, python, timeout, cache)
    names = Names(tuple(rename or ()), name_map, averages)
    diagnosis = api.diff(
        request,
        checkpoint,
        include=include or (),
        exclude=exclude or (),
        prepare=names,
        purpose=purpose.value,
        values=values,
    )
    differences = _differences(diagnosis) if values else []
    if output_format is Format.json:
        data = diff_to_dict(diagnosis)
        if values:
            data["values"] = [difference_to_dict(item) for item in differences]
        typer.echo(json_text(data))
    else:
        print_diff(diagnosis, console())
        if values:
            console().print()
            print_differences(differences, console())
    same = all(item.state == "equal" for item in differences)
    raise typer.Exit(0 if diagnosis.clean and same else 1)


def _differences(diagnosis: Diagnosis) -> list[ValueDifference]:
    alignment = diagnosis.alignment
    if alignment.graph.kind != "checkpoint":
        raise UsageError(
            f"{alignment.graph.source} holds no values", hint="--values compares two checkpoints: diff A.ckpt B.ckpt"
        )
    pairs = [(pair.variable.key, pair.entry.key) for pair in alignment.pairs]
    total = sum(pair.variable.spec.nbytes for pair in alignment.pairs)
    with progress("comparing", total) as advance:
        return list(api.differences(alignment.graph.source, alignment.inventory.source, pairs, advance))
