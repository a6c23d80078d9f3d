"""`ckptdoctor inspect`."""

from __future__ import annotations

from typing import Annotated

import typer

from ckptdoctor import api
from ckptdoctor.cli.options import CheckpointArgument, Format, FormatOption
from ckptdoctor.cli.terminal import console, progress, reporting_errors


@reporting_errors
def inspect(
    checkpoint: CheckpointArgument,
    table: Annotated[bool, typer.Option("--table/--tree", help="One full key a line, or a tree of scopes.")] = False,
    stats: Annotated[
        bool, typer.Option("--stats", help="Each tensor's range, mean, deviation, zeros, NaNs and histogram.")
    ] = False,
    output_format: FormatOption = Format.text,
) -> None:
    """List what a checkpoint holds, without TensorFlow.

    Examples:

        ckptdoctor inspect vgg_16.ckpt

        ckptdoctor inspect training/ --table | grep fc

        ckptdoctor inspect model.keras --stats
    """
    from ckptdoctor.reports.inspect_json import inspect_to_dict
    from ckptdoctor.reports.inspect_text import print_inspect
    from ckptdoctor.reports.json_text import json_text
    from ckptdoctor.reports.values_json import statistics_to_dict
    from ckptdoctor.reports.values_text import print_statistics

    inventory = api.inspect(checkpoint)
    statistics = None
    if stats:
        total = sum(entry.spec.nbytes for entry in inventory.entries.values())
        with progress("reading", total) as advance:
            statistics = list(api.statistics(checkpoint, advance))
    if output_format is Format.json:
        data = inspect_to_dict(inventory)
        if statistics is not None:
            data["statistics"] = [statistics_to_dict(item) for item in statistics]
        typer.echo(json_text(data))
    elif statistics is not None:
        print_statistics(statistics, console())
    else:
        print_inspect(inventory, console(), table=table)
