"""Graphs as users write them: each traced, none allocating, downloading or taking us down."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from ckptdoctor.errors import CkptDoctorError, GraphError, UsageError
from ckptdoctor.graphs import python_graph
from ckptdoctor.graphs.python_graph import trace_python
from ckptdoctor.graphs.request import make_request
from ckptdoctor.specs.graph import GraphKind, GraphSpec


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def trace(source: str, graph: str = "graph.py", **options: object) -> GraphSpec:
    Path("graph.py").write_text(textwrap.dedent(source))
    return trace_python(make_request(graph, **options))


def shapes(graph: GraphSpec) -> dict[str, tuple[int, ...]]:
    return {variable.name: variable.spec.shape for variable in graph.variables}


TF1_LAYERS = """
    import tensorflow as tf
    x = tf.placeholder(tf.float32, [None, 8, 8, 3])
    with tf.variable_scope("a"):
        y = tf.layers.conv2d(x, 4, 3, name="conv")
        y = tf.layers.dense(tf.layers.flatten(y), 5, name="fc")
    step = tf.train.get_or_create_global_step()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        raise RuntimeError("training must not start")
"""


def test_a_tf1_script_without_functions_is_its_variables() -> None:
    graph = trace(TF1_LAYERS)
    assert shapes(graph) == {
        "a/conv/kernel": (3, 3, 3, 4),
        "a/conv/bias": (4,),
        "a/fc/kernel": (144, 5),
        "a/fc/bias": (5,),
        "global_step": (),
    }
    kernel = graph.variables[2]
    assert kernel.consumer and kernel.consumer.op == "MatMul"
    assert kernel.consumer.flattened == (-1, 6, 6, 4)
    assert kernel.location and kernel.location.line == 6
    assert not graph.variables[4].trainable
    assert not graph.silent
    assert "run" in graph.notes[0]


def test_contrib_imports_and_helper_modules_work() -> None:
    Path("layers_of_mine.py").write_text(
        textwrap.dedent("""
        from tensorflow.contrib import slim, layers, framework
        import tensorflow.contrib.slim as again
        import tensorflow as tf

        def conv(x, n, name):
            w = tf.get_variable(name + "/w", [3, 3, x.get_shape()[-1].value, n],
                                initializer=layers.xavier_initializer())
            return tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"))
        """)
    )
    graph = trace(
        """
        from layers_of_mine import conv, slim

        def net(x, classes):
            x = conv(x, 4, "one")
            x = conv(x, 4, "two")
            with slim.arg_scope([slim.fully_connected], biases_initializer=None):
                return slim.fully_connected(slim.flatten(x), classes, scope="out")
        """,
        inputs=["x:Nx4x4x1"],
        args=["classes=7"],
    )
    assert shapes(graph)["out/weights"] == (64, 7)
    # A helper makes both variables on one line; what differs is where it is called.
    assert [variable.location.line for variable in graph.variables[:2] if variable.location] == [5, 6]
    assert {Path(file).name for file in graph.files} == {"graph.py", "layers_of_mine.py"}


def test_recurrent_cells_of_tf1() -> None:
    graph = trace(
        """
        import tensorflow as tf
        def net(tokens):
            cell = tf.nn.rnn_cell.BasicLSTMCell(6)
            outputs, _ = tf.nn.dynamic_rnn(cell, tokens, dtype=tf.float32)
            return outputs
        """,
        inputs=["tokens:Nx5x3"],
    )
    assert shapes(graph)["rnn/basic_lstm_cell/kernel"] == (9, 24)


def test_compat_v1_with_resource_variables_is_silent_on_restore() -> None:
    graph = trace(
        """
        import tensorflow.compat.v1 as tf
        tf.disable_eager_execution()
        v = tf.get_variable("v", [3], tf.float16, trainable=False)
        """
    )
    assert graph.silent
    assert str(graph.variables[0].spec) == "float16 [3]"


def test_partitioned_variables_are_one() -> None:
    graph = trace(
        """
        import tensorflow as tf
        tf.get_variable("table", [10, 4], partitioner=tf.fixed_size_partitioner(2))
        """
    )
    assert shapes(graph) == {"table": (10, 4)}


@pytest.mark.parametrize(
    "source",
    [
        "import sys, tensorflow as tf\nv = tf.get_variable('v', [2])\nsys.exit(3)\n",
        "import argparse, tensorflow as tf\nargparse.ArgumentParser().parse_args()\nv = tf.get_variable('v', [2])\n",
        "import tensorflow as tf\ndef main(_):\n    tf.get_variable('v', [2])\n"
        "    tf.Session().run(1)\nif __name__ == '__main__':\n    tf.app.run()\n",
        "import tensorflow as tf\nflags = tf.app.flags\nflags.DEFINE_integer('n', 2, '')\n"
        "v = tf.get_variable('v', [flags.FLAGS.n])\n",
        "import tensorflow as tf\ng = tf.Graph()\nwith g.as_default():\n    tf.get_variable('v', [2])\n",
        "import tensorflow as tf\ntf.reset_default_graph()\ntf.get_variable('v', [2])\n",
        "from tensorflow.examples.tutorials.mnist import input_data\nimport tensorflow as tf\ntf.get_variable('v', [2])\n",
    ],
    ids=["sys.exit", "argparse", "tf.app.run", "flags", "own graph", "reset graph", "mnist"],
)
def test_programs_that_do_what_programs_do(source: str) -> None:
    assert shapes(trace(source)) == {"v": (2,)}


KERAS = """
    import keras
    from keras import layers

    def build(classes=3):
        return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(classes)])
"""


def test_a_keras_function() -> None:
    graph = trace(KERAS, args=["classes=5"])
    assert graph.kind is GraphKind.KERAS_MODEL
    assert graph.silent
    dense = graph.variables[2]
    assert dense.spec.shape == (144, 5)
    assert graph.parameters == (("classes", 5),)
    assert dense.consumer and dense.consumer.flattened == (-1, 6, 6, 4)
    assert dense.location and dense.location.line == 6


def test_a_subclassed_keras_model_needs_an_input_and_says_so() -> None:
    source = """
        import keras
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.fc = keras.layers.Dense(2, name="fc")
            def call(self, images):
                return self.fc(images)
    """
    with pytest.raises(UsageError) as caught:
        trace(source)
    assert "--input images:" in caught.value.hint
    assert [v.spec.shape for v in trace(source, inputs=["images:Nx7"]).variables] == [(7, 2), (2,)]


def test_a_compiled_model_with_published_weights_downloads_nothing() -> None:
    graph = trace(
        """
        import keras
        model = keras.applications.MobileNet()
        model.compile(optimizer="adam", loss="mse")
        model.fit([], [])
        """
    )
    assert len(graph.variables) == 137


def test_a_model_too_large_for_memory_traces() -> None:
    graph = trace(
        """
        import keras
        model = keras.Sequential([keras.Input((1_000_000,)), keras.layers.Dense(1_000_000)])
        """
    )
    assert graph.variables[0].spec.nbytes == 4_000_000_000_000


def test_a_tf_module() -> None:
    graph = trace(
        """
        import tensorflow as tf
        class Net(tf.Module):
            def __init__(self):
                self.w = tf.Variable(tf.zeros([400_000, 400_000]), name="w")
        net = Net()
        """
    )
    assert shapes(graph) == {"w": (400_000, 400_000)}


def test_an_ambiguous_file_lists_its_candidates() -> None:
    with pytest.raises(UsageError) as caught:
        trace("import tensorflow as tf\ndef one(x): tf.get_variable('a', [1])\ndef two(n): tf.get_variable('b', [1])\n")
    assert "graph.py:one --input x:" in caught.value.hint
    assert "graph.py:two --arg n=VALUE" in caught.value.hint


def test_the_users_own_traceback_is_shown() -> None:
    with pytest.raises(GraphError) as caught:
        trace("import tensorflow as tf\nx = tf.placeholder(tf.float32, [1, 2])\ny = tf.matmul(x, x)\n")
    assert "graph.py:3" in caught.value.message
    assert "y = tf.matmul(x, x)" in caught.value.details
    assert "site-packages" not in caught.value.details


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("while True: pass\n", "longer than"),
        ("import os\nos._exit(9)\n", "died"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "died"),
        ("print 'python 2'\n", "graph.py:1"),
        ("import no_such_module\n", "no_such_module"),
        ("import urllib.request\nurllib.request.urlopen('http://example.com')\n", "no downloads"),
        ("x = 1\n", "makes no variable"),
    ],
)
def test_bad_programs_are_named(source: str, says: str) -> None:
    with pytest.raises(CkptDoctorError, match=says):
        trace(source, timeout=20.0)


def test_a_python_without_tensorflow_says_what_to_install(tmp_path: Path) -> None:
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    with pytest.raises(GraphError) as caught:
        trace("import tensorflow as tf\n", python=str(tmp_path / "bare/bin/python"))
    assert "pip install tensorflow" in caught.value.hint


def test_an_unchanged_graph_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("part.py").write_text("SIZE = 2\n")
    source = "import tensorflow as tf, part\ntf.get_variable('v', [part.SIZE])\n"
    first = trace(source)
    answers: list[str] = []
    ask = python_graph.ask_worker
    monkeypatch.setattr(python_graph, "ask_worker", lambda *args: answers.append("asked") or ask(*args))
    assert trace(source) == first
    assert not answers
    Path("part.py").write_text("SIZE = 3\n")
    assert shapes(trace(source)) == {"v": (3,)}
    trace(source, cache=False)
    assert len(answers) == 2


@pytest.mark.parametrize("text", ["x", "x:axb", "x:2x3:nothing", ":2"])
def test_a_wrong_input_shows_a_right_one(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_request("tf_slim.nets.vgg:vgg_16", inputs=[text])
    assert "images:Nx224x224x3" in caught.value.hint


def test_a_function_of_an_installed_package() -> None:
    request = make_request("tf_slim.nets.vgg:vgg_16", inputs=["inputs:Nx224x224x3"], args=["is_training=False"])
    graph = trace_python(request)
    assert len(graph.variables) == 32
    assert graph.variables[-2].spec.shape == (1, 1, 4096, 1000)
    assert graph.variables[-2].location and graph.variables[-2].location.file.endswith("vgg.py")
