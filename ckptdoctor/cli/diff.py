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
    GraphArgument,
    HtmlOption,
    IncludeOption,
    InputOption,
    MapOption,
    Purpose,
    PythonOption,
    RenameOption,
    ReportFormatOption,
    TimeoutOption,
)
from ckptdoctor.cli.page import write_page
from ckptdoctor.cli.reporting import report
from ckptdoctor.cli.terminal import command, console, progress, quiet, verbose, working
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.request import DEFAULT_TIMEOUT, graph_request
from ckptdoctor.specs.graph import GraphKind

if TYPE_CHECKING:
    from ckptdoctor.diagnosis.diagnosis import Diagnosis
    from ckptdoctor.values.comparison import ValueDifference


@command
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
    purpose: Annotated[
        Purpose, typer.Option("--for", metavar="PURPOSE", help="finetune, inference or either.")
    ] = "either",
    values: Annotated[bool, typer.Option("--values", help="Values too; GRAPH is a checkpoint.")] = False,
    output_format: ReportFormatOption = "text",
    html: HtmlOption = None,
    python: PythonOption = "",
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    cache: CacheOption = True,
) -> None:
    """List every disagreement, its cause and a remedy.

    Building GRAPH runs its code.

    Examples:

        ckptdoctor diff vgg.py model.ckpt --input images:Nx224x224x3
        ckptdoctor diff models/vgg.py:build model.ckpt --arg num_classes=10
        ckptdoctor diff model.ckpt.meta other.ckpt --exclude vgg_16/fc8
        ckptdoctor diff before.ckpt after.ckpt --values
        ckptdoctor diff model.py model.ckpt --rename '^tower_0/=' --for inference
    """
    from ckptdoctor.conversion.renames import Names
    from ckptdoctor.reports.check_text import check_lines
    from ckptdoctor.reports.diff_json import diff_to_dict
    from ckptdoctor.reports.diff_text import print_diff
    from ckptdoctor.reports.json_text import json_text
    from ckptdoctor.reports.values_json import difference_to_dict
    from ckptdoctor.reports.values_text import print_differences

    request = graph_request(graph, inputs, args, python, timeout, cache)
    names = Names(tuple(rename or ()), name_map, averages)
    if values and output_format not in ("text", "json"):
        raise UsageError(f"--values does not go with --format {output_format}", hint="Choose text or json.")
    with working("comparing"):
        diagnosis = api.diff(
            request,
            checkpoint,
            include=include or (),
            exclude=exclude or (),
            prepare=names,
            purpose=purpose,
            values=values,
        )
    differences = _differences(diagnosis) if values else []
    if html:
        from ckptdoctor.reports.diff_html import diff_page

        write_page(html, diff_page(diagnosis))
    if output_format == "json":
        data = diff_to_dict(diagnosis)
        if values:
            data["values"] = [difference_to_dict(item) for item in differences]
        typer.echo(json_text(data))
    elif output_format != "text":
        typer.echo(report(output_format, [diagnosis]))
    elif quiet():
        for line in check_lines(diagnosis):
            typer.echo(line)
    else:
        print_diff(diagnosis, console(), whole=verbose())
        if values:
            console().print()
            print_differences(differences, console())
    same = all(item.state == "equal" for item in differences)
    raise typer.Exit(0 if diagnosis.clean and same else 1)


def _differences(diagnosis: Diagnosis) -> list[ValueDifference]:
    alignment = diagnosis.alignment
    if alignment.graph.kind is not GraphKind.CHECKPOINT:
        raise UsageError(
            f"{alignment.graph.source} holds no values", hint="--values compares two checkpoints: diff A.ckpt B.ckpt"
        )
    pairs = [(pair.variable.key, pair.entry.key) for pair in alignment.pairs]
    total = sum(pair.variable.spec.nbytes for pair in alignment.pairs)
    with progress("comparing", total) as advance:
        return list(api.differences(alignment.graph.source, alignment.inventory.source, pairs, advance))
