"""What the two processes say to one another is checked field by field; a kept trace is too."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ckptdoctor.errors import GraphError, UsageError
from ckptdoctor.graph_worker import protocol
from ckptdoctor.graph_worker.protocol import SCHEMA, Invalid, check_answer, check_graph, check_request
from ckptdoctor.graphs import child, python_graph
from ckptdoctor.graphs.python_graph import trace_python
from ckptdoctor.graphs.request import make_request

CONSUMER = {
    "op": "MatMul", "name": "m", "input_shape": [-1, 12], "padding": "", "strides": [], "data_format": "",
    "producer": "Reshape", "flattened": [-1, 2, 3, 2], "flattened_axes": "HWC", "moved_by": "",
    "transposed": False,
}  # fmt: skip
VARIABLE = {
    "name": "w", "key": "w", "shape": [12, 3], "dtype": "float32", "trainable": True, "resource": False,
    "collections": ["variables"], "location": ["g.py", 3], "consumer": CONSUMER, "stored": "", "node": 1, "partitioned": False,
}  # fmt: skip
GRAPH = {
    "kind": "Keras model", "variables": [VARIABLE], "files": ["/g.py"], "distributions": [], "notes": [], "function": "f",
    "parameters": [["classes", 10], ["name", "net"], ["bias", True], ["seed", None]],
    "objects": [[["model", 1]], []], "wrapped": True, "config": "", "keras_version": "", "keras": None, "unlisted": [],
}  # fmt: skip


def damaged(*path: str | int, value: Any = None, drop: bool = False) -> dict[str, Any]:
    graph: Any = copy.deepcopy(GRAPH)
    place = graph
    for step in path[:-1]:
        place = place[step]
    if drop:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return dict(graph)


def test_a_graph_is_itself() -> None:
    assert check_graph(GRAPH) is GRAPH
    assert check_answer({"schema": SCHEMA, "graph": GRAPH}, "trace")["graph"] is GRAPH


@pytest.mark.parametrize("field", protocol.GRAPH)
def test_every_field_of_a_graph_must_be_there(field: str) -> None:
    with pytest.raises(Invalid, match=field):
        check_graph(damaged(field, drop=True))


@pytest.mark.parametrize("field", protocol.VARIABLE)
def test_every_field_of_a_variable_must_be_there(field: str) -> None:
    with pytest.raises(Invalid, match=field):
        check_graph(damaged("variables", 0, field, drop=True))


@pytest.mark.parametrize("field", protocol.CONSUMER)
def test_every_field_of_a_consumer_must_be_there(field: str) -> None:
    with pytest.raises(Invalid, match=field):
        check_graph(damaged("variables", 0, "consumer", field, drop=True))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "a graph"),
        (("wrapped",), 1),
        (("notes",), "no list"),
        (("objects", 0, 0, 1), 2),
        (("objects", 0, 0), ["model"]),
        (("parameters", 0), ["classes"]),
        (("parameters", 0, 1), [10]),
        (("variables", 0, "node"), 2),
        (("variables", 0, "shape"), [2] * 300),
        (("variables", 0, "shape", 0), True),
        (("variables", 0, "shape", 0), -2),
        (("variables", 0, "shape", 0), 2**63),
        (("variables", 0, "shape", 0), 1.5),
        (("variables", 0, "location"), ["g.py", "3"]),
        (("variables", 0, "consumer", "flattened_axes"), "HHC"),
        (("variables", 0, "consumer", "flattened_axes"), "HWX"),
        (("variables", 0, "consumer", "flattened_axes"), "HC"),
        (("variables", 0, "consumer", "flattened"), None),
    ],
)
def test_values_are_of_their_type_and_within_their_bounds(path: tuple[str | int, ...], value: Any) -> None:
    with pytest.raises(Invalid):
        check_graph(damaged(*path, value=value))


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"schema": SCHEMA - 1, "graph": GRAPH}, {"schema": SCHEMA, "graph": 1}, {"schema": SCHEMA, "error": {}},
     {"schema": SCHEMA, "error": {"kind": "other", "message": "", "hint": "", "details": ""}}],
)  # fmt: skip
def test_what_is_no_answer_is_refused(answer: Any) -> None:
    with pytest.raises(Invalid):
        check_answer(answer, "trace")


def test_an_answer_must_be_to_what_was_asked() -> None:
    held = {"shape": [12, 3], "dtype": "float32", "digest": "ab", "same": None}
    calls = [{"code": "model.load_weights($path)", "error": ""}]
    restored = {"reason": "", "calls": calls, "values": [held], "unconsumed": ""}
    answer = {"schema": SCHEMA, "graph": GRAPH, "restore": restored}
    assert check_answer(answer, "restore") is answer
    held["shape"] = "many"
    with pytest.raises(Invalid, match="shape"):
        check_answer(answer, "restore")
    held["shape"] = [12, 3]
    with pytest.raises(Invalid, match="run"):
        check_answer(answer, "run")
    with pytest.raises(Invalid, match="target"):
        check_request({"schema": SCHEMA, "action": "trace"})


# --- Through the process ---------------------------------------------------------------------------------------------

WITHOUT_TENSORFLOW = "raise SystemExit('no TensorFlow is needed for this')\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def test_a_long_request_arrives_whole(place: Path) -> None:
    """The variable's size is the length of the argument."""
    (place / "g.py").write_text(
        "import tensorflow as tf\ndef net(text):\n    tf.compat.v1.get_variable('v', [len(text)])\n"
    )
    graph = trace_python(make_request("g.py:net", args=["text=" + "x" * 300_000]))
    assert graph.variables[0].spec.shape == (300_000,)


def test_a_request_that_is_too_long_says_so(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "g.py").write_text("")
    monkeypatch.setattr(child, "MAX_REQUEST", 1000)
    with pytest.raises(UsageError, match="at most 1,000"):
        trace_python(make_request("g.py", args=["text=" + "x" * 1000]))


def test_a_process_that_does_not_read_its_request_has_died(place: Path) -> None:
    python = place / "python"
    python.write_text("#!/bin/sh\nexit 7\n")
    python.chmod(0o755)
    (place / "g.py").write_text("")
    with pytest.raises(GraphError, match="status 7"):
        trace_python(make_request("g.py", args=["text=" + "x" * 1_000_000], python=str(python)))


def fake_trace(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def ask(*args: Any) -> dict[str, Any]:
        asked.append("asked")
        return {"graph": {**copy.deepcopy(GRAPH), "files": [str(Path("g.py").resolve())]}}

    monkeypatch.setattr(python_graph, "ask_worker", ask)
    return asked


@pytest.mark.parametrize("damage", ["drop", "other", "text"])
def test_a_kept_trace_that_is_not_whole_is_made_again(
    damage: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "g.py").write_text("")
    asked = fake_trace(monkeypatch)
    request = make_request("g.py")
    first = trace_python(request)
    assert trace_python(request) == first
    assert len(asked) == 1
    (kept,) = (place / "cache").rglob("*.json")
    content = json.loads(kept.read_text())
    if damage == "drop":
        del content["graph"]["variables"][0]["stored"]
    elif damage == "other":
        content["graph"]["variables"][0]["shape"] = "many"
    kept.write_text(json.dumps(content) if damage != "text" else "[" * 100_000)
    assert trace_python(request) == first
    assert len(asked) == 2


def test_the_package_is_run_by_path_and_is_in_nobodys_way(place: Path) -> None:
    """A user's own modules are called as some of ours are; ours are not found by theirs."""
    import sys

    for name in ("objects", "run", "restore", "protocol", "sources", "consumers"):
        (place / f"{name}.py").write_text(f"SIZE = {len(name)}\n")
    (place / "g.py").write_text(
        "import sys, objects, run, protocol\nimport tensorflow as tf\n"
        "assert not [path for path in sys.path if 'graph_worker' in path], sys.path\n"
        "assert sys.stdin.read() == ''\n"
        "tf.compat.v1.get_variable('v', [objects.SIZE, run.SIZE, protocol.SIZE])\n"
    )
    graph = trace_python(make_request("g.py", python=sys.executable))
    assert graph.variables[0].spec.shape == (7, 3, 8)


@pytest.mark.parametrize("version", ["3.8", "3.9"])
def test_the_package_starts_under_the_oldest_python_that_it_promises(version: str, place: Path) -> None:
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode:
        pytest.skip(f"no Python {version} here")
    (place / "g.py").write_text(WITHOUT_TENSORFLOW)
    with pytest.raises(GraphError, match="TensorFlow cannot be imported"):
        trace_python(make_request("g.py", python=python))
