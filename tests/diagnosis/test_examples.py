"""Each rule's own examples: the ones it fires on, and the ones it leaves alone."""

from __future__ import annotations

import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.conversion.from_diagnosis import plan_from_diagnosis
from ckptdoctor.conversion.plan import derive
from ckptdoctor.diagnosis.diagnosis import diagnose
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.errors import UsageError


def codes(example: Example) -> set[str]:
    diagnosis = diagnose(align(example.graph_spec(), example.inventory()), "graph.py", load=example.loaded())
    found = {diagnostic.rule.code for diagnostic in diagnosis.diagnostics}
    for unsafe in (False, True):
        if "CKD303" in found:
            with pytest.raises(UsageError, match="quantized"):
                plan_from_diagnosis(diagnosis, unsafe=unsafe)
        else:
            derive(plan_from_diagnosis(diagnosis, unsafe=unsafe), example.inventory())  # it can be carried out
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.RULE.name)
def test_it_fires_on_its_examples(rule) -> None:  # type: ignore[no-untyped-def]
    assert rule.FIRES
    for example in rule.FIRES:
        assert rule.RULE.code in codes(example), example


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.RULE.name)
def test_it_is_silent_on_the_others(rule) -> None:  # type: ignore[no-untyped-def]
    assert rule.SILENT
    for example in rule.SILENT:
        assert rule.RULE.code not in codes(example), example
