"""The loaders' models against the owners' loaders, on a fixed sample of the pairs that `make truth` runs whole."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec

pytest.importorskip("keras", minversion="3")

BENCH = Path(__file__).parent.parent.parent / "benchmarks" / "loaders" / "bench.py"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What was said of each pair of the sample, against a truth that is found anew."""
    home = str(tmp_path_factory.mktemp("truth"))
    done = subprocess.run(
        [sys.executable, str(BENCH), "--sample", "--json"],
        env={**os.environ, "TRUTH_HOME": home},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_is_said_of_a_load_is_what_every_variable_holds_after_it(judged: list[dict[str, Any]]) -> None:
    assert {item["id"]: item["differences"] for item in judged if item["differences"]} == {}


def test_most_of_the_sample_is_told(judged: list[dict[str, Any]]) -> None:
    states = [item["state"] for item in judged]
    assert states.count("judged") > len(states) // 2 > 8


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH.parent))
    return importlib.import_module("judge")


def variable(key: str) -> Variable:
    return Variable(key, key, TensorSpec(dtype_from_name("float32"), (2,)))


@pytest.mark.parametrize(
    ("given", "error", "differences"),
    [
        ({"a": "x", "b": "y"}, "", 0),
        ({"a": "y", "b": "x"}, "", 2),
        ({"a": "x"}, "", 1),
        ({"a": "x", "b": "y"}, "ValueError: no", 1),
    ],
    ids=["as it is", "swapped", "one forgotten", "an error that there is not"],
)
def test_a_wrong_answer_is_noticed(judge: Any, given: dict[str, str], error: str, differences: int) -> None:
    pair = next(importlib.import_module("pairs").all_pairs())
    held = [{"name": name, "holds": key, "how": "exact", "shape": [2]} for name, key in (("a", "x"), ("b", "y"))]
    graph = GraphSpec("graph.py", GraphKind.KERAS_MODEL, (variable("a"), variable("b")))
    kept = tuple({"a", "b"} - given.keys())
    judged = judge._compared(pair, {"error": "", "variables": held}, graph, Load("call", given, kept, error))
    assert len(judged.differences) == differences
