"""An explanation for a person: the likely causes, the arithmetic for each, what to do next."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ckptdoctor.diagnosis.explanation.explanation import Explanation
from ckptdoctor.reports.paragraph import ITEM, print_paragraph
from ckptdoctor.reports.printable import printable
from ckptdoctor.specs.tensor import show_shape

_SHOWN = 3


def print_explanation(explanation: Explanation, console: Console) -> None:
    """Prints what the message says and the best causes."""
    symptom = explanation.symptom
    for mismatch in symptom.mismatches:
        name = printable(mismatch.variable) or "a variable that the message does not name"
        console.print(Text(f"{name}: lhs {show_shape(mismatch.lhs)} vs rhs {show_shape(mismatch.rhs)}"), soft_wrap=True)
    for key in symptom.missing:
        console.print(Text(f"{printable(key)}: not in the checkpoint"), soft_wrap=True)
    for number, cause in enumerate(explanation.causes[:_SHOWN], 1):
        code = f" [{cause.code}]" if cause.code else ""
        console.print()
        console.print(Text.assemble(f"{number}. ", (cause.name, "bold"), f"{code} ({cause.confidence})"))
        for sentence in cause.evidence:
            print_paragraph(console, sentence, label=ITEM, indent=3)
        for remedy in cause.remedies:
            print_paragraph(console, remedy, label="help: ", style="bold green", indent=3)
    others = ", ".join(cause.name for cause in explanation.causes[_SHOWN:])
    if others:
        console.print()
        print_paragraph(console, others + ".", label="Less likely: ")
    console.print()
    print_paragraph(console, "ckptdoctor diff GRAPH CHECKPOINT", label="To be sure: ", style="bold")
