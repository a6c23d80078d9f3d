"""A diagnosis as JSON, `ckptdoctor.diff/1`."""

from __future__ import annotations

from typing import Any

from ckptdoctor.diagnosis.diagnosis import Diagnosis, outcome
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.specs.tensor import TensorSpec

SCHEMA = "ckptdoctor.diff/1"


def diff_to_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as plain values; an unknown size is null, an absent side too."""
    alignment = diagnosis.alignment
    variables: list[dict[str, Any]] = [
        _row(
            pair.variable.name,
            pair.entry.key,
            pair.status,
            pair.variable.spec,
            pair.entry.spec,
            pair.variable.trainable,
        )
        for pair in alignment.pairs
    ]
    variables += [_row(item.name, item.key, "missing", item.spec, None, item.trainable) for item in alignment.missing]
    variables += [_row(None, item.key, "unexpected", None, item.spec, None) for item in alignment.unexpected]
    matched = alignment.matched
    trainable = sum(pair.variable.trainable for pair in matched)
    return {
        "schema": SCHEMA,
        "graph": {
            "source": diagnosis.graph_argument,
            "kind": alignment.graph.kind.value,
            "notes": list(alignment.graph.notes),
        },
        "checkpoint": {
            "source": alignment.inventory.source,
            "format": alignment.inventory.format,
            "notes": list(alignment.inventory.notes),
        },
        "outcome": outcome(alignment),
        "restored_by": alignment.restored_by or None,
        "summary": {
            "matched": len(matched),
            "mismatched": len(alignment.mismatched),
            "renamed": len(alignment.renamed),
            "missing": len(alignment.missing),
            "unexpected": len(alignment.unexpected),
            "restored_trainable": trainable,
            "restored_frozen": len(matched) - trainable,
            "fresh": len(alignment.missing) + len(alignment.mismatched) + len(alignment.renamed),
        },
        "random": list(diagnosis.random),
        "variables": variables,
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnosis.diagnostics],
        "ignored": [_diagnostic(diagnostic) for diagnostic in diagnosis.ignored],
    }


def _spec(spec: TensorSpec | None) -> dict[str, Any] | None:
    if spec is None:
        return None
    return {"shape": [None if size < 0 else size for size in spec.shape], "dtype": spec.dtype.name}


def _row(
    name: str | None, key: str, status: str, lhs: TensorSpec | None, rhs: TensorSpec | None, trainable: bool | None
) -> dict[str, Any]:
    return {"name": name, "key": key, "status": status, "lhs": _spec(lhs), "rhs": _spec(rhs), "trainable": trainable}


def _diagnostic(item: Diagnostic) -> dict[str, Any]:
    location = {"file": item.location.file, "line": item.location.line} if item.location else None
    return {
        "code": item.rule.code,
        "name": item.rule.name,
        "severity": item.rule.severity,
        "confidence": item.confidence,
        "variable": item.variable or None,
        "key": item.key or None,
        "lhs": _spec(item.lhs),
        "rhs": _spec(item.rhs),
        "message": item.message,
        "evidence": list(item.evidence),
        "location": location,
        "covers": sorted(item.covers),
        "remedies": [{"title": r.title, "safety": r.safety, "code": r.code} for r in item.remedies],
    }
