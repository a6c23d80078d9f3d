"""The findings of a repository's check: a line each, as linters print them."""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.guard import not_as_locked, unused_ignore
from ckptdoctor.reports.printable import printable
from ckptdoctor.reports.view import view_of

_SHOWN = 40


def check_lines(diagnosis: Diagnosis) -> list[str]:
    """One line a finding that matters, then how to see more; empty if the pair is clean."""
    view = view_of(diagnosis)
    lines, comparable = [], False
    for finding in view.findings:
        place, rule, diagnostic = finding.place, finding.rule, finding.diagnostic
        sides = finding.sides or diagnostic.message
        lines.append(f"{place.file}:{place.line}: {rule.code} {rule.name} {finding.name}: {sides}")
        if rule is not_as_locked.RULE:
            lines += [f"    {line}" for line in diagnostic.evidence[:_SHOWN]]
            if len(diagnostic.evidence) > _SHOWN:
                lines.append(f"    and {len(diagnostic.evidence) - _SHOWN} more lines (--format json has all)")
        if rule in (not_as_locked.RULE, unused_ignore.RULE):
            lines += [f"  help: {remedy.title}: {remedy.text}".removesuffix(": ") for remedy in finding.remedies]
        else:
            comparable = True
    lines = [printable(line) for line in lines]
    return [*lines, f"  more: {view.diff}"] if comparable else lines
