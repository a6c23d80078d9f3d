"""Findings as JUnit's XML, which continuous integration shows as tests: a suite a pair, a failed case a finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.reports.remedy_text import remedy_text
from ckptdoctor.reports.sides import show_sides

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What an XML document cannot hold, not even escaped (W3C, XML 1.0, section 2.2)."""


def junit_text(diagnoses: Sequence[Diagnosis], errors: Sequence[CkptDoctorError] = ()) -> str:
    """The document. A pair that fits is one passed case, so that a run always has one."""
    root = Xml.Element("testsuites", name="ckptdoctor")
    for diagnosis in diagnoses:
        name = _text(f"{diagnosis.graph_argument} with {diagnosis.alignment.inventory.source}")
        found = diagnosis.findings
        counts: dict[str, Any] = {"tests": str(max(1, len(found))), "failures": str(len(found)), "errors": "0"}
        suite = Xml.SubElement(root, "testsuite", name=name, **counts)
        if not found:
            Xml.SubElement(suite, "testcase", classname=name, name="the checkpoint fits the graph", time="0")
        for item in found:
            place = diagnosis.place_of(item)
            title = _text(f"{item.rule.code} {item.rule.name}: {item.variable or item.key}")
            case = Xml.SubElement(
                suite, "testcase", classname=name, name=title, file=_text(place.file), line=str(place.line), time="0"
            )
            failure = Xml.SubElement(case, "failure", message=_text(item.message), type=item.rule.name)
            remedies = [remedy_text(remedy) for remedy in item.remedies]
            failure.text = _text("\n".join([f"{place.file}:{place.line}", show_sides(item), *item.evidence, *remedies]))
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
