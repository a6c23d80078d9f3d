"""`ckptdoctor inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from ckptdoctor.cli.options import CheckpointArgument, FormatOption, HtmlOption
from ckptdoctor.cli.page import write_page
from ckptdoctor.cli.terminal import command, console, progress, quiet


@command
def inspect(
    checkpoint: CheckpointArgument,
    table: Annotated[bool, typer.Option("--table/--tree", help="One full key a line, or a tree of scopes.")] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Each tensor's range, mean, deviation, zeros, NaNs and histogram.")
    ] = False,
    output_format: FormatOption = "text",
    html: HtmlOption = None,
) -> None:
    """List what a checkpoint holds, without TensorFlow.

    Examples:

        ckptdoctor inspect vgg_16.ckpt
        ckptdoctor inspect training/ --table | grep fc
        ckptdoctor inspect model.keras --stats --html layers.html
    """
    from ckptdoctor.api.contents import contents
    from ckptdoctor.api.contents import statistics as describe_values
    from ckptdoctor.api.opened import open as open_named
    from ckptdoctor.reports.inspect_text import print_inspect
    from ckptdoctor.reports.json_text import json_text
    from ckptdoctor.reports.printable import printable
    from ckptdoctor.reports.values_json import statistics_to_dict
    from ckptdoctor.reports.values_text import print_statistics

    opened = open_named(checkpoint)
    inventory = contents(opened)
    statistics = None
    if stats:
        total = sum(entry.spec.nbytes for entry in inventory.entries.values())
        with progress("reading", total) as advance:
            statistics = list(describe_values(opened, advance))
    if html:
        from ckptdoctor.reports.inspect_html import inspect_page

        write_page(html, inspect_page(inventory, statistics or ()))
    if output_format == "json":
        data = inventory.to_dict()
        if statistics is not None:
            data["statistics"] = [statistics_to_dict(item) for item in statistics]
        typer.echo(json_text(data))
    elif statistics is not None:
        print_statistics(statistics, console())
    elif quiet():
        for key in inventory.variables:
            typer.echo(printable(key))
    else:
        print_inspect(inventory, console(), table=table)
