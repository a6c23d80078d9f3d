"""Findings as JUnit's XML, which continuous integration shows as tests: a suite a pair, a failed case a finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.view import view_of

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What an XML document cannot hold, not even escaped (W3C, XML 1.0, section 2.2)."""


def junit_text(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> str:
    """The document. A pair that fits is one passed case, so that a run always has one."""
    root = Xml.Element("testsuites", name="ckptdoctor")
    for view in map(view_of, diagnoses):
        name = _text(view.title)
        failed = len(view.findings)
        counts: dict[str, Any] = {"tests": str(max(1, failed)), "failures": str(failed), "errors": "0"}
        suite = Xml.SubElement(root, "testsuite", name=name, **counts)
        if view.clean:
            Xml.SubElement(
                suite, "testcase", classname=name, name=view.verdict[0].lower() + view.verdict[1:-1], time="0"
            )
        for finding in view.findings:
            place, diagnostic = finding.place, finding.diagnostic
            title = _text(f"{finding.rule.code} {finding.rule.name}: {finding.name}")
            case = Xml.SubElement(
                suite, "testcase", classname=name, name=title, file=_text(place.file), line=str(place.line), time="0"
            )
            failure = Xml.SubElement(case, "failure", message=_text(diagnostic.message), type=finding.rule.name)
            remedies = [remedy.plain for remedy in finding.remedies]
            lines = [f"{place.file}:{place.line}", finding.sides, *diagnostic.evidence, *remedies]
            failure.text = _text("\n".join(lines))
    if errors:
        suite = Xml.SubElement(
            root, "testsuite", name="errors", tests=str(len(errors)), failures="0", errors=str(len(errors))
        )
        for error in errors:
            case = Xml.SubElement(suite, "testcase", classname="ckptdoctor", name=_text(error.message), time="0")
            Xml.SubElement(case, "error", message=_text(error.message), type=type(error).__name__).text = _text(
                error.hint
            )
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
