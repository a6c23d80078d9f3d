"""Findings as SARIF 2.1.0, which GitHub's code scanning shows at the lines of the graph.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, sections 3.13 (sarifLog) to 3.49.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ckptdoctor.diagnosis.catalogue import Page, pages
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.view import ShownFinding, View, view_of
from ckptdoctor.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif_to_dict(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> dict[str, Any]:
    """A log of one run: a result a finding, a notification an error that kept a pair from being compared."""
    views = list(map(view_of, diagnoses))
    results = [_result(view, finding, ignored=False) for view in views for finding in view.findings]
    results += [_result(view, finding, ignored=True) for view in views for finding in view.ignored]
    named = {result["ruleId"] for result in results}
    rules = [_rule(page) for page in pages() if page.code in named]
    order = {rule["id"]: position for position, rule in enumerate(rules)}
    for result in results:
        result["ruleIndex"] = order[result["ruleId"]]
    run = {
        "tool": {
            "driver": {"name": "ckptdoctor", "version": __version__, "semanticVersion": __version__, "rules": rules}
        },
        "invocations": [
            {
                "executionSuccessful": not errors,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": "\n".join(filter(None, (error.message, error.hint)))}}
                    for error in errors
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the repository."}}},
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(page: Page) -> dict[str, Any]:
    return {
        "id": page.code,
        "name": "".join(word.capitalize() for word in page.name.split("-")),
        "shortDescription": {"text": f"{page.name}: {page.summary}."},
        "fullDescription": {"text": f"{page.summary[:1].upper()}{page.summary[1:]}."},
        "help": {"text": page.text, "markdown": page.text},
    }


def _result(view: View, finding: ShownFinding, *, ignored: bool) -> dict[str, Any]:
    place, name, diagnostic = finding.place, finding.name, finding.diagnostic
    region: dict[str, Any] = {"startLine": place.line}
    if place.text:
        region["snippet"] = {"text": place.text}
    remedies = [remedy.plain for remedy in finding.remedies]
    title = f"{name}: {finding.sides}" if finding.sides else name
    text = [title, diagnostic.message, *diagnostic.evidence, *remedies]
    fingerprint = "\0".join((finding.rule.code, view.graph, view.checkpoint, name))
    result: dict[str, Any] = {
        "ruleId": finding.rule.code,
        "level": finding.rule.severity,
        "message": {"text": "\n".join(text)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(place.file), "region": region}}],
        "partialFingerprints": {"ckptdoctor/v1": hashlib.sha256(fingerprint.encode("utf-8", "replace")).hexdigest()},
        "properties": {"confidence": diagnostic.confidence, "covers": sorted(diagnostic.covers)},
    }
    if ignored:
        result["suppressions"] = [{"kind": "inSource"}]
    return result


def _artifact(file: str) -> dict[str, str]:
    path = Path(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    from urllib.parse import quote

    return {"uri": quote(path.as_posix(), errors="replace"), "uriBaseId": "SRCROOT"}
