"""A diagnosis as a compiler would print it: what a restore does, a block a finding, a summary."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from ckptdoctor.diagnosis.diagnosis import Diagnosis, outcome
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Severity
from ckptdoctor.reports.paragraph import ITEM, print_paragraph
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.sides import show_sides
from ckptdoctor.specs.graph import GraphKind

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
_LISTED = 12
_RANDOM = 8


def print_diff(diagnosis: Diagnosis, console: Console, *, whole: bool = False) -> None:
    """Prints a diagnosis; long lists are summed up unless the whole is wanted."""
    alignment = diagnosis.alignment
    _line(
        console,
        Text.assemble(("graph      ", "bold"), f"{printable(diagnosis.graph_argument)} ({alignment.graph.kind})"),
    )
    inventory = alignment.inventory
    _line(console, Text.assemble(("checkpoint ", "bold"), f"{printable(inventory.source)} ({inventory.format})"))
    for note in (*alignment.graph.notes, *inventory.notes):
        print_paragraph(console, note, label="note: ", style="bold cyan", indent=2)
    console.print()
    print_paragraph(console, outcome(alignment), label="On restore: ", style="bold")
    shown: set[str] = set()
    quiet: list[Diagnostic] = []
    for diagnostic in diagnosis.diagnostics:
        if diagnostic.rule.severity == "info":
            quiet.append(diagnostic)
            continue
        console.print()
        _block(diagnostic, console, shown)
    if quiet:
        console.print()
        _list(quiet, console, len(quiet) if whole else _LISTED)
    console.print()
    _summary(diagnosis, console, len(diagnosis.random) if whole else _RANDOM)


def _line(console: Console, text: Text) -> None:
    """Prints a line that must stay one: a path or a command to copy."""
    console.print(text, soft_wrap=True)


def _block(diagnostic: Diagnostic, console: Console, shown: set[str]) -> None:
    rule = diagnostic.rule
    name = printable(diagnostic.variable or diagnostic.key)
    _line(
        console,
        Text.assemble((f"{rule.severity}[{rule.code}]", _STYLES[rule.severity]), f" {rule.name}: ", (name, "bold")),
    )
    if sides := show_sides(diagnostic):
        _line(console, Text(f"  {sides}"))
    location = diagnostic.location
    if location:
        _line(console, Text.assemble(("  --> ", "blue"), f"{printable(location.file)}:{location.line}"))
        if location.text:
            _line(console, Text.assemble((f"  {location.line:>4} | ", "blue"), printable(location.text.expandtabs(4))))
    sure = "" if diagnostic.confidence == "certain" else f" ({diagnostic.confidence})"
    print_paragraph(console, diagnostic.message + sure, label="cause: ", style="bold", indent=2)
    for sentence in diagnostic.evidence:
        print_paragraph(console, sentence, label=ITEM, indent=4)
    repeated = False
    for remedy in diagnostic.remedies:
        if remedy.title in shown:
            repeated = True
            continue
        shown.add(remedy.title)
        _remedy(remedy, console)
    if repeated:
        print_paragraph(console, "the remedies above apply here too", label="help: ", style="bold green", indent=2)


def _remedy(remedy: Remedy, console: Console) -> None:
    kind = "" if remedy.safety == "display-only" else f" [{remedy.safety}]"
    print_paragraph(console, remedy.title + kind, label="help: ", style="bold green", indent=2)
    for line in remedy.code.splitlines():
        _line(console, Text(f"      {printable(line)}", style="green"))


def _list(quiet: Iterable[Diagnostic], console: Console, most: int) -> None:
    """What breaks nothing: a line each."""
    by_rule: dict[str, list[Diagnostic]] = {}
    for diagnostic in quiet:
        by_rule.setdefault(f"info[{diagnostic.rule.code}] {diagnostic.rule.name}", []).append(diagnostic)
    for title, diagnostics in by_rule.items():
        print_paragraph(console, diagnostics[0].message, label=f"{title}: ", style=_STYLES["info"])
        for diagnostic in diagnostics[:most]:
            _line(
                console,
                Text(f"  {printable(diagnostic.key or diagnostic.variable)}  {show_sides(diagnostic)}".rstrip()),
            )
        if len(diagnostics) > most:
            console.print(Text(f"  and {len(diagnostics) - most} more (--verbose lists all)"))


def _summary(diagnosis: Diagnosis, console: Console, most: int) -> None:
    alignment = diagnosis.alignment
    matched = alignment.matched
    trainable = sum(pair.variable.trainable for pair in matched)
    fresh = len(alignment.missing) + len(alignment.mismatched) + len(alignment.renamed)
    counts = (
        f"{len(matched)} matched, {len(alignment.mismatched)} mismatched, "
        f"{len(alignment.missing)} missing, {len(alignment.unexpected)} unexpected"
    )
    if alignment.renamed:
        counts += f", {len(alignment.renamed)} renamed"
    print_paragraph(console, counts, label="summary: ", style="bold")
    if alignment.graph.kind is not GraphKind.CHECKPOINT:
        restored = (
            f"restored and trainable {trainable}, restored and frozen {len(matched) - trainable}, left fresh {fresh}"
        )
        print_paragraph(console, restored, indent=2)
    if diagnosis.random:
        listed = ", ".join(map(printable, diagnosis.random[:most]))
        more = f" and {len(diagnosis.random) - most} more" if len(diagnosis.random) > most else ""
        print_paragraph(console, listed + more, label="would stay random: ", indent=2)
    if diagnosis.ignored:
        codes = ", ".join(sorted({item.rule.code for item in diagnosis.ignored}))
        print_paragraph(
            console, f"{len(diagnosis.ignored)} ({codes}), as the graph's comments ask", label="ignored: ", indent=2
        )
    if diagnosis.clean:
        console.print(Text("The checkpoint fits the graph.", style="bold green"))
