"""The findings of a repository's check: a line each, as linters print them."""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.guard import not_as_locked, unused_ignore
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.sides import show_sides

_SHOWN = 40


def check_lines(diagnosis: Diagnosis) -> list[str]:
    """One line a finding that matters, then how to see more; empty if the pair is clean."""
    lines, comparable = [], False
    for item in diagnosis.findings:
        place = diagnosis.place_of(item)
        sides = show_sides(item) or item.message
        lines.append(
            f"{place.file}:{place.line}: {item.rule.code} {item.rule.name} {item.variable or item.key}: {sides}"
        )
        if item.rule is not_as_locked.RULE:
            lines += [f"    {line}" for line in item.evidence[:_SHOWN]]
            if len(item.evidence) > _SHOWN:
                lines.append(f"    and {len(item.evidence) - _SHOWN} more lines (--format json has all)")
        if item.rule in (not_as_locked.RULE, unused_ignore.RULE):
            lines += [
                f"  help: {remedy.title}" + (f": {remedy.code}" if remedy.code else "") for remedy in item.remedies
            ]
        else:
            comparable = True
    if comparable:
        lines.append(f"  more: ckptdoctor diff {diagnosis.graph_argument} {diagnosis.alignment.inventory.source}")
    return [printable(line) for line in lines]
