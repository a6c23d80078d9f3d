"""The findings of a repository's check: a line each, as linters print them."""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.reports.printable import printable
from ckptdoctor.specs.tensor import show_shape


def check_lines(diagnosis: Diagnosis) -> list[str]:
    """One line a finding that matters, then how to see more; empty if the pair is clean."""
    lines = []
    for item in diagnosis.diagnostics:
        if item.rule.severity == "info":
            continue
        where = f"{item.location.file}:{item.location.line}" if item.location else diagnosis.alignment.inventory.source
        lhs, rhs = (show_shape(spec.shape) if spec else "nothing" for spec in (item.lhs, item.rhs))
        name = item.variable or item.key
        lines.append(printable(f"{where}: {item.rule.code} {item.rule.name} {name}: lhs {lhs} vs rhs {rhs}"))
    if lines:
        source = diagnosis.alignment.inventory.source
        lines.append(printable(f"  more: ckptdoctor diff {diagnosis.graph_argument} {source}"))
    return lines
