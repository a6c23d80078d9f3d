"""`ckptdoctor explain`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from ckptdoctor.cli.completion import complete_codes
from ckptdoctor.cli.options import FormatOption
from ckptdoctor.cli.terminal import command, console

_CODE = re.compile(r"CKD\w{0,5}", re.IGNORECASE)


@command
def explain(
    message: Annotated[
        str,
        typer.Argument(
            metavar="MESSAGE",
            help="The error, a file with it, a rule's code, or - for standard input.",
            autocompletion=complete_codes,
        ),
    ] = "-",
    output_format: FormatOption = "text",
) -> None:
    """Explain a pasted error message or traceback.

    The likely causes, best first, with the arithmetic, and what to do next.

    Examples:

        ckptdoctor explain "lhs shape= [4096,4096] rhs shape= [1,1,4096,4096]"
        python train.py 2>&1 | ckptdoctor explain
        ckptdoctor explain train.log
        ckptdoctor explain CKD203
    """
    from ckptdoctor.api.explanation import explain as find_causes
    from ckptdoctor.api.explanation import rule_page
    from ckptdoctor.reports.explain_text import print_explanation

    if _CODE.fullmatch(message):
        typer.echo(rule_page(message.upper()))
        return
    explanation = find_causes(_read(message))
    if output_format == "json":
        typer.echo(explanation.to_json())
    else:
        print_explanation(explanation, console())


def _read(message: str) -> str:
    if message == "-":
        return sys.stdin.read()
    try:
        return Path(message).read_text("utf-8", "replace") if Path(message).is_file() else message
    except OSError:
        return message  # too long for a file's name: it is the message itself
