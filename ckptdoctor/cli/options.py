"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ckptdoctor.cli.completion import complete_scopes
from ckptdoctor.reports.by_name import ReportFormat

Format = Literal["text", "json"]
"""How to print."""

Purpose = Literal["finetune", "inference", "either"]
"""What the checkpoint is wanted for."""

GraphArgument = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH",
        help="file.py[:NAME], package.module:NAME, .meta, or a checkpoint.",
        show_default=False,
    ),
]
CheckpointArgument = Annotated[
    str,
    typer.Argument(metavar="CHECKPOINT", help="A prefix, a file of it, or a directory.", show_default=False),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="NAME:SIZES[:dtype]", help="A tensor: images:Nx224x224x3."),
]
ArgOption = Annotated[list[str] | None, typer.Option("--arg", metavar="NAME=VALUE", help="A parameter: classes=10.")]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="SCOPE", help="Only this scope (a prefix).", autocompletion=complete_scopes),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="SCOPE", help="Without this scope (a prefix).", autocompletion=complete_scopes),
]
RenameOption = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="REGEX=REPLACEMENT", help="Take keys under other names."),
]
MapOption = Annotated[
    Path | None,
    typer.Option("--map", metavar="FILE", hidden=True, help="Renames from a file: CHECKPOINT_KEY GRAPH_KEY a line."),
]
AveragesOption = Annotated[bool, typer.Option("--ema", help="Moving averages in their variables' place.")]
PythonOption = Annotated[
    str, typer.Option("--python", metavar="PATH", help="What builds the graph.", show_default=False)
]
TimeoutOption = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", hidden=True, help="How long building the graph may take.")
]
CacheOption = Annotated[
    bool, typer.Option("--cache/--no-cache", hidden=True, help="Use the trace of an unchanged graph.")
]
FormatOption = Annotated[Format, typer.Option("--format", metavar="FORMAT", help="text or json.", show_default=False)]
ReportFormatOption = Annotated[
    ReportFormat, typer.Option("--format", metavar="FORMAT", help="text, json, markdown, sarif, github or junit.")
]
ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The file that declares the pairs.")]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page for a browser, too.", show_default=False)
]
LoaderOption = Annotated[
    str,
    typer.Option(
        "--loader",
        metavar="NAME",
        hidden=True,
        help="Whose load is meant: load_weights, tf.train.Checkpoint or Saver.",
        show_default=False,
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
