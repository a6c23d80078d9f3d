"""The loaders' models against the owners' loaders, on a fixed sample of the pairs that `make truth` runs whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

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
