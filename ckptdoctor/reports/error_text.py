"""An error as a user sees it: what, supporting lines, the next step."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.printable import printable


def print_error(error: CkptDoctorError, console: Console) -> None:
    """Prints an error."""
    console.print(
        Text.assemble((f"error[{error.code}]: " if error.code else "error: ", "bold red"), printable(error.message)),
        soft_wrap=True,
    )
    for line in error.details.splitlines():
        console.print(Text(f"  {printable(line)}"), soft_wrap=True)
    for number, line in enumerate(error.hint.splitlines()):
        label = ("help: ", "bold green") if not number else ("      ", "")
        console.print(Text.assemble("  ", label, printable(line)), soft_wrap=True)
