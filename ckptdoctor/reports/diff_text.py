"""A diagnosis as a compiler would print it: what a restore does, a block a finding, a summary."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Severity
from ckptdoctor.reports.paragraph import ITEM, print_paragraph
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.view import Harmless, ShownFinding, ShownRemedy, View, view_of

_STYLES: dict[Severity, str] = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
_HELP = "bold green"
_LISTED = 12
_RANDOM = 8


def print_diff(diagnosis: Diagnosis, console: Console, *, whole: bool = False) -> None:
    """Prints a diagnosis; long lists are summed up unless the whole is wanted."""
    view = view_of(diagnosis)
    _line(console, Text.assemble(("graph      ", "bold"), f"{printable(view.graph)} ({view.graph_kind})"))
    _line(console, Text.assemble(("checkpoint ", "bold"), f"{printable(view.checkpoint)} ({view.format})"))
    for note in view.notes:
        print_paragraph(console, note, label="note: ", style="bold cyan", indent=2)
    console.print()
    print_paragraph(console, view.outcome, label="On restore: ", style="bold")
    for finding in view.findings:
        console.print()
        _block(finding, console)
    if view.harmless:
        console.print()
        _list(view.harmless, console, None if whole else _LISTED)
    console.print()
    _summary(view, console, None if whole else _RANDOM)


def _line(console: Console, text: Text) -> None:
    """Prints a line that must stay one: a path or a command to copy."""
    console.print(text, soft_wrap=True)


def _block(finding: ShownFinding, console: Console) -> None:
    rule, diagnostic = finding.rule, finding.diagnostic
    code = (f"{rule.severity}[{rule.code}]", _STYLES[rule.severity])
    _line(console, Text.assemble(code, f" {rule.name}: ", (printable(finding.name), "bold")))
    if finding.sides:
        _line(console, Text(f"  {finding.sides}"))
    location = diagnostic.location
    if location:
        _line(console, Text.assemble(("  --> ", "blue"), f"{printable(location.file)}:{location.line}"))
        if location.text:
            _line(console, Text.assemble((f"  {location.line:>4} | ", "blue"), printable(location.text.expandtabs(4))))
    sure = "" if diagnostic.confidence == "certain" else f" ({diagnostic.confidence})"
    print_paragraph(console, diagnostic.message + sure, label="cause: ", style="bold", indent=2)
    for sentence in diagnostic.evidence:
        print_paragraph(console, sentence, label=ITEM, indent=4)
    if finding.same_as:
        print_paragraph(console, f"the same as for {finding.same_as} above", label="help: ", style=_HELP, indent=2)
        return
    for remedy in finding.remedies:
        _remedy(remedy, console)


def _remedy(remedy: ShownRemedy, console: Console) -> None:
    kind = f" [{remedy.safety}]" if remedy.safety else ""
    above = f", as for {remedy.as_for} above" if remedy.as_for else ""
    print_paragraph(console, remedy.title + kind + above, label="help: ", style=_HELP, indent=2)
    if remedy.text and not above:
        # A command goes over several lines only where an argument holds them: an indent would become a part of it.
        indent = "" if remedy.language == "console" else "      "
        for number, line in enumerate(remedy.text.split("\n")):
            _line(console, Text(f"{indent if number else '      '}{printable(line)}", style="green"))


def _list(harmless: Iterable[Harmless], console: Console, most: int | None) -> None:
    """What breaks nothing: a line each."""
    for group in harmless:
        title = f"info[{group.rule.code}] {group.rule.name}: "
        print_paragraph(console, group.message, label=title, style=_STYLES["info"])
        for finding in group.findings[:most]:
            name = printable(finding.diagnostic.key or finding.name)
            _line(console, Text(f"  {name}  {finding.sides}".rstrip()))
        if most and len(group.findings) > most:
            console.print(Text(f"  and {len(group.findings) - most} more (--verbose lists all)"))


def _summary(view: View, console: Console, most: int | None) -> None:
    counts = view.counts
    text = (
        f"{counts.matched} matched, {counts.mismatched} mismatched, "
        f"{counts.missing} missing, {counts.unexpected} unexpected"
    )
    if counts.renamed:
        text += f", {counts.renamed} renamed"
    print_paragraph(console, text, label="summary: ", style="bold")
    if view.trains:
        restored = (
            f"restored and trainable {counts.restored_trainable}, restored and frozen {counts.restored_frozen}, "
            f"left fresh {counts.fresh}"
        )
        print_paragraph(console, restored, indent=2)
    if view.random:
        listed = ", ".join(map(printable, view.random[:most]))
        more = f" and {len(view.random) - most} more" if most and len(view.random) > most else ""
        print_paragraph(console, listed + more, label="would stay random: ", indent=2)
    if view.ignored:
        codes = ", ".join(sorted({finding.rule.code for finding in view.ignored}))
        print_paragraph(
            console, f"{len(view.ignored)} ({codes}), as the graph's comments ask", label="ignored: ", indent=2
        )
    if view.clean:
        console.print(Text(view.verdict, style="bold green"))
