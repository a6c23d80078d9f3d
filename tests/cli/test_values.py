"""What changed between two checkpoints, and what the values of one look like."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from tests.formats import oracle

RNG = np.random.default_rng(3)
BEFORE = {
    "net/a/w": RNG.standard_normal((50, 40)).astype(np.float32),
    "net/b/w": RNG.standard_normal((40,)),
    "net/c/w": np.zeros((6, 6), np.float32),
    "net/d/w": np.arange(12, dtype=np.int64),
    "net/e/w": np.ones((5,), np.float32),
    "net/f/text": np.array([b"x", b"y"], dtype=object),
}


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("values")
    after = {key: value.copy() for key, value in BEFORE.items()}
    after["net/a/w"][0, 0] += 1
    after["net/b/w"] *= 1 + 1e-9
    after["net/e/w"][2] = np.nan
    after["net/f/text"][1] = b"z"
    oracle.save_raw(directory / "before", BEFORE)
    oracle.save_raw(directory / "after", after)
    return directory / "before", directory / "after"


def test_each_tensor_is_equal_close_or_changed(pair: tuple[Path, Path]) -> None:
    data = json.loads(run("diff", *pair, "--values", "--format", "json", code=1))
    found = {item["lhs"]: item for item in data["values"]}
    assert {key: item["state"] for key, item in found.items()} == {
        "net/a/w": "changed",
        "net/b/w": "close",
        "net/c/w": "equal",
        "net/d/w": "equal",
        "net/e/w": "changed",
        "net/f/text": "changed",
    }
    assert found["net/a/w"]["changed"] == 1
    assert found["net/a/w"]["max_absolute"] == pytest.approx(1, abs=1e-6)
    assert found["net/c/w"]["remarks"] == ["lhs is all zero", "rhs is all zero"]
    assert "rhs has 1 NaN" in found["net/e/w"]["remarks"]
    assert found["net/b/w"]["max_ulps"] > 0
    text = run("diff", *pair, "--values", code=1)
    assert "summary of values: 2 equal, 1 close, 3 changed, 0 incomparable" in text


def test_the_same_checkpoint_is_equal(pair: tuple[Path, Path]) -> None:
    assert "6 equal, 0 close, 0 changed" in run("diff", pair[0], pair[0], "--values")


def test_a_graph_holds_no_values(pair: tuple[Path, Path], tmp_path: Path) -> None:
    graph = tmp_path / "graph.py"
    graph.write_text('import tensorflow.compat.v1 as tf\ntf.get_variable("net/c/w", [6, 6])\n')
    assert "holds no values" in run("diff", graph, pair[0], "--values", code=2)


def test_statistics_are_those_of_numpy(pair: tuple[Path, Path]) -> None:
    data = json.loads(run("inspect", pair[1], "--stats", "--format", "json"))
    found = {item["name"]: item for item in data["statistics"]}
    assert set(found) == set(BEFORE) - {"net/f/text"}
    values = BEFORE["net/a/w"].copy()
    values[0, 0] += 1
    item = found["net/a/w"]
    assert (item["min"], item["max"]) == (values.min(), values.max())
    assert item["mean"] == pytest.approx(values.mean(dtype=np.float64))
    assert item["std"] == pytest.approx(values.std(dtype=np.float64))
    assert sum(item["histogram"]) == values.size
    assert found["net/c/w"]["zeros"] == 36
    assert found["net/e/w"]["nans"] == 1
    assert "net/a/w" in run("inspect", pair[1], "--stats")


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_units_of_the_last_place_are_counted(kind: type, tmp_path: Path) -> None:
    value = np.array([1, -1, 0.25, 3, 0], dtype=kind)
    moved = value.copy()
    for _ in range(3):
        moved[1] = np.nextafter(moved[1], kind(-9))
    moved[2] = np.nextafter(moved[2], kind(0))
    np.savez(tmp_path / "a.npz", w=value)
    np.savez(tmp_path / "b.npz", w=moved)
    data = json.loads(run("diff", tmp_path / "a.npz", tmp_path / "b.npz", "--values", "--format", "json", code=1))
    assert data["values"][0]["max_ulps"] == 3
    assert data["values"][0]["changed"] == 2


def test_two_equal_checkpoints_say_that_nothing_happened(pair: tuple[Path, Path]) -> None:
    text = " ".join(run("diff", pair[0], pair[0], "--values").split())
    assert "changed nothing" in text
