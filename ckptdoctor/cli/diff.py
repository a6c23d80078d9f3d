"""`ckptdoctor diff`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated

import typer

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT
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
    LoaderOption,
    MapOption,
    Purpose,
    PythonOption,
    RenameOption,
    ReportFormatOption,
    TimeoutOption,
)
from ckptdoctor.cli.page import write_page
from ckptdoctor.cli.terminal import command, console, progress, quiet, verbose, working
from ckptdoctor.errors import UsageError
from ckptdoctor.reports.by_name import report


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
    loader: LoaderOption = "",
    by_name: Annotated[bool, typer.Option("--by-name", hidden=True, help="load_weights finds layers by name.")] = False,
    skip_mismatch: Annotated[
        bool, typer.Option("--skip-mismatch", hidden=True, help="load_weights warns of what does not fit.")
    ] = False,
    expect_partial: Annotated[
        bool, typer.Option("--expect-partial", hidden=True, help="restore says nothing of what it leaves.")
    ] = False,
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
    from ckptdoctor.api.comparison import call_of, compare, side_of
    from ckptdoctor.api.names import names_of
    from ckptdoctor.api.opened import checkpoint_of
    from ckptdoctor.reports.check_text import check_lines
    from ckptdoctor.reports.diff_text import print_diff
    from ckptdoctor.reports.json_text import json_text
    from ckptdoctor.reports.values_text import print_differences

    side = side_of(graph, inputs=inputs or (), args=args or (), python=python, timeout=timeout, cache=cache)
    names = names_of(rename or (), name_map, ema=averages)
    if values and output_format not in ("text", "json"):
        raise UsageError(f"--values does not go with --format {output_format}", hint="Choose text or json.")
    with ExitStack() as stack:
        # The comparison's sign of life ends where the bytes of values are counted.
        stack.enter_context(working("comparing"))

        def counting(total: int) -> Callable[[int], object]:
            stack.close()
            return stack.enter_context(progress("comparing", total))

        diagnosis = compare(
            side,
            checkpoint_of(checkpoint),
            include=include or (),
            exclude=exclude or (),
            prepare=names,
            purpose=purpose,
            values=values,
            call=call_of(loader, by_name=by_name, skip_mismatch=skip_mismatch, expect_partial=expect_partial),
            counting=counting,
        )
    if html:
        from ckptdoctor.reports.diff_html import diff_page

        write_page(html, diff_page(diagnosis))
    if output_format == "json":
        data = diagnosis.to_dict()
        typer.echo(json_text({**data, "values": data.get("values", [])} if values else data))
    elif output_format != "text":
        typer.echo(report(output_format, [diagnosis]))
    elif quiet():
        for line in check_lines(diagnosis):
            typer.echo(line)
    else:
        print_diff(diagnosis, console(), whole=verbose())
        if values:
            console().print()
            print_differences(diagnosis.values, console())
    same = all(item.state == "equal" for item in diagnosis.values)
    raise typer.Exit(0 if diagnosis.clean and same else 1)
