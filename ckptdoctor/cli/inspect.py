"""`ckptdoctor inspect`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ckptdoctor import api
from ckptdoctor.cli.options import CheckpointArgument, Format, FormatOption
from ckptdoctor.cli.terminal import console, reporting_errors


@reporting_errors
def inspect(
    checkpoint: CheckpointArgument,
    table: Annotated[bool, typer.Option("--table/--tree", help="One full key a line, or a tree of scopes.")] = False,
    output_format: FormatOption = Format.text,
) -> None:
    """List what a checkpoint holds, without TensorFlow.

    Examples:

        ckptdoctor inspect vgg_16.ckpt

        ckptdoctor inspect training/ --table | grep fc
    """
    from ckptdoctor.reports.inspect_json import inspect_to_dict
    from ckptdoctor.reports.inspect_text import print_inspect

    inventory = api.inspect(checkpoint)
    if output_format is Format.json:
        typer.echo(json.dumps(inspect_to_dict(inventory), indent=2))
    else:
        print_inspect(inventory, console(), table=table)
