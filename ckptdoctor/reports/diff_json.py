"""A diagnosis as JSON, `ckptdoctor.diff/2`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ckptdoctor.conversion.plan_file import op_to_dict
from ckptdoctor.diagnosis.agreement import Agreement
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy
from ckptdoctor.reports.view import view_of
from ckptdoctor.specs.tensor import TensorSpec

SCHEMA = "ckptdoctor.diff/2"


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
    view = view_of(diagnosis)
    graph, *options = diagnosis.graph_argument
    return {
        "schema": SCHEMA,
        "graph": {
            "source": graph,
            "options": options,
            "kind": view.graph_kind,
            "notes": list(alignment.graph.notes),
        },
        "checkpoint": {
            "source": view.checkpoint,
            "format": view.format,
            "notes": list(alignment.inventory.notes),
        },
        "outcome": view.outcome,
        "fits": diagnosis.fits,
        "load": _load(diagnosis.agreement),
        "restored_by": alignment.restored_by or None,
        "summary": {**asdict(view.counts), "fresh": view.counts.fresh},
        "random": list(view.random),
        "variables": variables,
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in diagnosis.diagnostics],
        "ignored": [_diagnostic(diagnostic) for diagnostic in diagnosis.ignored],
    }


def _load(agreement: Agreement | None) -> dict[str, Any] | None:
    """What the loader does; null where that is not known."""
    if agreement is None:
        return None
    load = agreement.load
    return {
        "call": load.call,
        "error": load.error or None,
        "causes": list(load.causes),
        "warnings": list(load.warnings),
        "given": dict(load.given),
        "right": [pair.variable.key for pair in agreement.right],
        "reshaped": [pair.variable.key for pair in agreement.reshaped],
        "other": [variable.key for variable, _ in agreement.other],
        "kept": [variable.key for variable, _ in agreement.kept],
        "zeroed": [variable.key for variable in agreement.zeroed],
        "ignored": list(load.ignored),
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
        "remedies": [_remedy(remedy) for remedy in item.remedies],
    }


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {
        "title": remedy.title,
        "safety": remedy.safety,
        "command": list(remedy.command.arguments) if remedy.command else None,
        "code": str(remedy.code) if remedy.code else None,
        "operations": [op_to_dict(op) for op in remedy.ops],
    }
