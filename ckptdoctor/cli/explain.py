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
from ckptdoctor.errors import UsageError
from ckptdoctor.specs.near_names import did_you_mean

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
    if _CODE.fullmatch(message):
        typer.echo(_rule_page(message.upper()))
        return
    from ckptdoctor.diagnosis.explanation.explanation import explain as find_causes
    from ckptdoctor.reports.explain_json import explain_to_dict
    from ckptdoctor.reports.explain_text import print_explanation
    from ckptdoctor.reports.json_text import json_text

    explanation = find_causes(_read(message))
    if not explanation.causes:
        raise UsageError(
            "no restore error is recognised in this text",
            hint="Paste the lines from the first Error on, or compare directly: ckptdoctor diff GRAPH CHECKPOINT",
        )
    if output_format == "json":
        typer.echo(json_text(explain_to_dict(explanation)))
    else:
        print_explanation(explanation, console())


def _read(message: str) -> str:
    if message == "-":
        return sys.stdin.read()
    try:
        return Path(message).read_text("utf-8", "replace") if Path(message).is_file() else message
    except OSError:
        return message  # too long for a file's name: it is the message itself


def _rule_page(code: str) -> str:
    from ckptdoctor.diagnosis.catalogue import pages

    found = {page.code: page for page in pages()}
    if code not in found:
        near = did_you_mean(code, found) or "Codes: " + ", ".join(found)
        raise UsageError(f"there is no code {code}", hint=near)
    page = found[code]
    return f"{code} {page.name}: {page.summary}.\n\n{page.text}"
