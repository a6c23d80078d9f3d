"""Pairs of real checkpoints that belong together: the diagnosis says what their owners changed."""

from __future__ import annotations

from pathlib import Path

import pytest

import ckptdoctor
from ckptdoctor.alignment.alignment import align
from ckptdoctor.conversion.from_diagnosis import plan_from_diagnosis
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable


def loud(diagnosis: Diagnosis) -> dict[str, str]:
    return {item.rule.name: item.message for item in diagnosis.diagnostics if item.rule.severity != "info"}


def test_espcn_was_trained_for_two_scales(real: Path) -> None:
    two = real / "espcn/logdir_2x/train/model.ckpt-2500000.meta"
    found = loud(ckptdoctor.diff(str(two), str(real / "espcn/logdir_3x/train/model.ckpt-950000")))
    assert found == {"upscale-factor": "the checkpoint enlarges 3 times, the graph 2 times."}


def test_ntm_renamed_every_scope(real: Path) -> None:
    checkpoint = str(real / "ntm_2016/checkpoint/copy_10/NTM-copy_copy.model-3402")
    inventory = ckptdoctor.contents(checkpoint)
    earlier = [
        Variable(key, key, entry.spec)
        for key, entry in ((key.replace("NTM-copy/", "NTM/", 1), entry) for key, entry in inventory.variables.items())
    ]
    alignment = align(GraphSpec("ntm.py", GraphKind.TENSORFLOW_1, tuple(earlier)), inventory)
    assert set(loud(diagnose(alignment, "ntm.py"))) == {"scope-prefix"}
    assert all(pair.entry.key == pair.variable.key.replace("NTM/", "NTM-copy/", 1) for pair in alignment.pairs)
    assert not alignment.missing


@pytest.mark.parametrize("direction", ["stored twice", "built twice"])
def test_traffic_signs_was_built_twice_in_one_process(real: Path, direction: str) -> None:
    directory = real / "traffic_sign_v2_variants"
    once, twice = directory / "lenet/backup/model.ckpt", directory / "lenet"
    graph, checkpoint = (once, twice) if direction == "stored twice" else (twice, once)
    found = ckptdoctor.diff(f"{graph}.meta", str(checkpoint))
    assert set(loud(found)) == {"graph-built-twice"}
    if direction == "stored twice":
        plan = plan_from_diagnosis(found, unsafe=True)
        renamed = {op.key: op.to for op in plan.ops if op.verb == "rename"}
        assert renamed["weight_cl1_1"] == "weight_cl1"
        assert renamed["weight_cl1_1/Adam"] == "weight_cl1/Adam"


def test_bert_has_another_vocabulary_and_no_pooler(real: Path) -> None:
    found = ckptdoctor.diff(
        str(real / "bert_zh_index_only/bert_model.ckpt"), str(real / "bert_vocab5981_index_only/bert_model.ckpt")
    )
    assert loud(found)["vocabulary-size"] == "the checkpoint's table has 5981 entries, the graph's has 21128."
    parts = {tuple(sorted(item.covers)) for item in found.diagnostics if item.rule.name == "missing-variable"}
    assert parts == {
        ("bert/pooler/dense/bias", "bert/pooler/dense/kernel"),
        ("cls/seq_relationship/output_bias", "cls/seq_relationship/output_weights"),
    }
