"""What the graph's process finds out without TensorFlow: whose code is whose, which line makes a variable, which API it is for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ckptdoctor.graph_worker import sources
from ckptdoctor.graph_worker.api_level import local_sources, uses_keras, written_for
from ckptdoctor.graph_worker.arguments import option_for
from ckptdoctor.graph_worker.problem import Problem
from ckptdoctor.graph_worker.sources import Sources, choose_lines, is_local, problem_of_user


def module(name: str, **names: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(names)
    return made


TENSORFLOW = module(
    "tensorflow",
    Variable=object,
    nn=module("nn", relu=object),
    train=module("train", Checkpoint=object),
    compat=SimpleNamespace(
        v1=module("v1", get_variable=object, placeholder=object, train=module("train", Saver=object))
    ),
)


def trees(tmp_path: Path, source: str, **others: str) -> dict[str, Any]:
    for name, text in others.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "graph.py").write_text(source)
    return local_sources(str(tmp_path / "graph.py"))


@pytest.mark.parametrize(
    ("source", "level"),
    [
        ("import tensorflow as tf\nw = tf.Variable(1)\n", "tf2"),
        ("import tensorflow as tf\nw = tf.get_variable('w', [1])\n", "tf1"),
        ("import tensorflow as tf\nx = tf.placeholder('float')\n", "tf1"),
        ("import tensorflow as tf\nx = tf.contrib.layers.flatten(y)\n", "tf1"),
        ("from tensorflow.contrib import slim\n", "tf1"),
        ("import tensorflow.contrib.slim as slim\n", "tf1"),
        ("import tensorflow as tf\nsaver = tf.train.Saver()\n", "tf1"),
        ("import tensorflow as tf\nckpt = tf.train.Checkpoint()\n", "tf2"),
        ("import tensorflow as tf\nw = tf.compat.v1.get_variable('w', [1])\n", "compat"),
        ("import tensorflow.compat.v1 as tf\nw = tf.get_variable('w', [1])\n", "compat"),
        ("import tf_slim as slim\n", "compat"),
        ("import tensorflow as tf\ntf.no_such_name\n", "tf2"),
        ("import helper\n", "tf1"),
        ("import other as tf\ntf.placeholder(1)\n", "tf2"),
    ],
)
def test_a_source_is_written_for_the_api_whose_names_it_uses(source: str, level: str, tmp_path: Path) -> None:
    helper = "import tensorflow as tf\nx = tf.placeholder('float')\n"
    assert written_for(trees(tmp_path, source, helper=helper), TENSORFLOW) == level


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("import keras\n", True),
        ("from keras.layers import Dense\n", True),
        ("from tensorflow.keras import layers\n", True),
        ("import tensorflow as tf\nm = tf.keras.Sequential()\n", True),
        ("import tensorflow as tf\nm = tf.nn.relu\n", False),
    ],
)
def test_a_source_that_names_keras_uses_it(source: str, uses: bool, tmp_path: Path) -> None:
    assert uses_keras(trees(tmp_path, source)) is uses


def test_modules_beside_a_source_are_read_once_even_in_a_circle(tmp_path: Path) -> None:
    found = trees(tmp_path, "import one\n", one="import two\n", two="import one, graph\n", three="")
    assert sorted(Path(file).name for file in found) == ["graph.py", "one.py", "two.py"]


def test_what_is_installed_is_not_the_users(tmp_path: Path) -> None:
    assert is_local(str(tmp_path / "graph.py"))
    for path in ("", "<string>", sources.__file__, pytest.__file__, subprocess.__file__):
        assert not is_local(path)


def test_frames_are_the_users_innermost_first(tmp_path: Path) -> None:
    graph, helper = str(tmp_path / "graph.py"), str(tmp_path / "helper.py")
    installed = pytest.__file__
    here = Sources(graph)
    assert here.frames([(graph, 3), (installed, 9), (helper, 5)]) == [(helper, 5), (graph, 3)]
    assert Sources(installed).frames([(subprocess.__file__, 1), (installed, 9)]) == [(installed, 9)]


def variable(name: str, *frames: tuple[str, int]) -> dict[str, Any]:
    return {"name": name, "frames": list(frames)}


def test_a_helper_that_makes_two_layers_on_one_line_is_passed_over_for_its_callers() -> None:
    helper, first, second = ("h.py", 4), ("g.py", 10), ("g.py", 11)
    variables = [variable("one/w", helper, first), variable("two/w", helper, second), variable("three/w", ("g.py", 12))]
    choose_lines(variables)
    assert [item["location"] for item in variables] == [first, second, ("g.py", 12)]
    assert all("frames" not in item for item in variables)


def test_the_variables_of_one_layer_stay_on_the_line_that_makes_them() -> None:
    line, caller = ("g.py", 4), ("g.py", 10)
    variables = [variable("one/w", line, caller), variable("one/b", line, caller), variable("none")]
    choose_lines(variables)
    assert [item["location"] for item in variables] == [line, line, None]


def test_the_users_own_frames_are_shown(tmp_path: Path) -> None:
    graph = tmp_path / "graph.py"
    graph.write_text("import json\njson.loads('{')\n")
    with pytest.raises(ValueError, match="Expecting") as caught:
        exec(compile(graph.read_text(), str(graph), "exec"))
    answer = problem_of_user(caught.value, Sources(str(graph))).answer
    assert "graph.py:2: JSONDecodeError" in answer["message"]
    assert "decoder.py" not in answer["details"]


def test_what_cannot_be_imported_is_to_be_installed(tmp_path: Path) -> None:
    problem = problem_of_user(ModuleNotFoundError("No module named 'x'", name="x"), Sources(str(tmp_path / "g.py")))
    assert isinstance(problem, Problem)
    assert f"Install x for {sys.executable}" in problem.answer["hint"]


@pytest.mark.parametrize(
    ("name", "option"), [("images", "--input"), ("x", "--input"), ("num_classes", "--arg"), ("is_training", "--arg")]
)
def test_a_parameter_is_asked_for_as_what_its_name_says(name: str, option: str) -> None:
    assert option_for(name).startswith(f"{option} {name}")
