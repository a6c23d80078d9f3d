"""One network in every way that a graph can be given: the flatten before its matrix is the same, and so is the remedy."""

from __future__ import annotations

import textwrap
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor import Diagnostic, convert, diff
from ckptdoctor.cli.app import app
from ckptdoctor.graphs.reading import read_graph
from ckptdoctor.graphs.request import make_request
from ckptdoctor.specs.graph import Consumer, GraphSpec
from tests.conftest import SHARED

PERMS = {"HWC": None, "CHW": (0, 3, 1, 2), "WHC": (0, 2, 1, 3)}
SIDE, CHANNELS, OUT = 5, 4, 3
ROWS = SIDE * SIDE * CHANNELS
INPUT = f"x:Nx{SIDE}x{SIDE}x2"

TF1 = """
    import tensorflow.compat.v1 as tf

    def dense(x):
        with tf.variable_scope("net"):
            kernel = tf.get_variable("conv/weights", [3, 3, 2, {CHANNELS}])
            y = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"))
            if {perm}:
                y = tf.transpose(y, {perm})
            y = tf.nn.dropout(tf.identity(y), rate=0.0)
            y = tf.reshape(y, [-1, {ROWS}])
            return tf.matmul(y, tf.get_variable("fc/weights", [{ROWS}, {OUT}]))

    def convolutional(x):
        with tf.variable_scope("net"):
            kernel = tf.get_variable("conv/weights", [3, 3, 2, {CHANNELS}])
            y = tf.nn.relu(tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME"))
            kernel = tf.get_variable("fc/weights", [{SIDE}, {SIDE}, {CHANNELS}, {OUT}])
            return tf.squeeze(tf.nn.conv2d(y, kernel, [1, 1, 1, 1], "VALID"), [1, 2])
"""
KERAS = """
    import keras
    from keras import layers

    def dense():
        permute = [layers.Permute({dims})] if {perm} else []
        first = [keras.Input(({SIDE}, {SIDE}, 2)), layers.Conv2D({CHANNELS}, 3, padding="same", name="conv")]
        last = [layers.Dropout(0.5), layers.Flatten(), layers.Dense({OUT}, name="fc")]
        return keras.Sequential(first + permute + last)

    def convolutional():
        return keras.Sequential([
            keras.Input(({SIDE}, {SIDE}, 2)), layers.Conv2D({CHANNELS}, 3, padding="same", name="conv"),
            layers.Conv2D({OUT}, {SIDE}, name="fc"), layers.Flatten(),
        ])
"""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def write(source: str, order: str) -> dict[str, object]:
    """The network as Python source; gives its namespace."""
    perm = PERMS[order]
    dims = perm[1:] if perm else ()
    text = textwrap.dedent(source).format(
        perm=perm, dims=dims, SIDE=SIDE, CHANNELS=CHANNELS, OUT=OUT, ROWS=ROWS
    )  # fmt: skip
    Path("net.py").write_text(text)
    namespace: dict[str, object] = {}
    exec(text, namespace)
    return namespace


def run(*arguments: str, code: int | None = 0) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert code is None or result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return " ".join(result.output.split())


def consumer(graph: GraphSpec) -> Consumer:
    """What uses the matrix."""
    (used,) = (item.consumer for item in graph.variables if item.spec.shape == (ROWS, OUT))
    assert used is not None
    return used


def seen(used: Consumer) -> tuple[object, ...]:
    return used.op, used.flattened, used.flattened_axes, used.moved_by


def expected(order: str, moved_by: str) -> tuple[object, ...]:
    sizes = {"H": SIDE, "W": SIDE, "C": CHANNELS}
    return "MatMul", (-1, *(sizes[axis] for axis in order)), order, moved_by if PERMS[order] else ""


@pytest.mark.parametrize("order", PERMS)
def test_a_tensorflow_graph_shows_its_flatten_however_it_is_given(order: str) -> None:
    import tensorflow as tf

    from ckptdoctor.graphs.live_graph import graph_of_saver

    v1 = tf.compat.v1
    functions = write(TF1, order)
    with tf.Graph().as_default() as graph:
        functions["dense"](v1.placeholder(tf.float32, [None, SIDE, SIDE, 2]))  # type: ignore[operator]
        saver = v1.train.Saver()
        v1.train.export_meta_graph("net.meta", saver_def=saver.saver_def)
        v1.train.write_graph(graph.as_graph_def(), ".", "net.pb", as_text=False)
        v1.train.write_graph(graph.as_graph_def(), ".", "net.pbtxt", as_text=True)
        live = graph_of_saver(saver)
    traced = read_graph(make_request("net.py:dense", inputs=[INPUT]))
    graphs = [traced, read_graph("net.meta"), read_graph("net.pb"), read_graph("net.pbtxt"), live]
    assert [seen(consumer(item)) for item in graphs] == [expected(order, "Transpose")] * len(graphs)


@pytest.mark.parametrize("order", PERMS)
def test_a_keras_model_shows_its_flatten_however_it_is_given(order: str) -> None:
    from ckptdoctor.graphs.live_graph import graph_of_keras

    model = write(KERAS, order)["dense"]()  # type: ignore[operator]
    model.save("net.keras")
    model.save("net.h5")
    graphs = [read_graph("net.py:dense"), read_graph("net.keras"), read_graph("net.h5")]
    graphs.append(graph_of_keras(model))
    assert [seen(consumer(item)) for item in graphs] == [expected(order, "Permute")] * len(graphs)


@pytest.mark.parametrize("order", PERMS)
def test_the_remedy_computes_the_same(order: str) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    functions = write(TF1, order)
    with tf.Graph().as_default(), v1.Session() as session:
        functions["convolutional"](v1.placeholder(tf.float32, [None, SIDE, SIDE, 2]))  # type: ignore[operator]
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, "conv.ckpt", write_meta_graph=False)
    with tf.Graph().as_default():
        functions["dense"](v1.placeholder(tf.float32, [None, SIDE, SIDE, 2]))  # type: ignore[operator]
        v1.train.export_meta_graph("net.meta", saver_def=v1.train.Saver().saver_def)
    for graph, options in (("net.py:dense", ["--input", INPUT]), ("net.meta", [])):
        text = run("diff", graph, "conv.ckpt", *options, code=1)
        safety = "safe" if order == "HWC" else "unsafe"
        what = "the bytes stay as they are" if order == "HWC" else "a transpose and a new shape"
        assert f"{what} [{safety}]" in text
        unsafe = [] if order == "HWC" else ["--unsafe"]
        run("convert", "conv.ckpt", "fitted.ckpt", "--graph", graph, *options, "--force", *unsafe)
        same = ["--same-as", "net.py:convolutional", "conv.ckpt"]
        run("verify", "fitted.ckpt", "--graph", "net.py:dense", "--input", INPUT, *same)


@pytest.mark.parametrize("order", PERMS)
def test_the_remedy_for_a_keras_model_computes_the_same(order: str) -> None:
    functions = write(KERAS, order)
    convolutional = functions["convolutional"]()  # type: ignore[operator]
    rng = np.random.default_rng(7)
    convolutional.set_weights([rng.normal(size=weight.shape) for weight in convolutional.weights])
    convolutional.save("conv.keras")
    dense = functions["dense"]()  # type: ignore[operator]
    dense.save("net.keras")
    for graph in ("net.py:dense", "net.keras"):
        run("convert", "conv.keras", "fitted.weights.h5", "--graph", graph, "--force", "--unsafe")
        dense.load_weights("fitted.weights.h5")
        images = rng.normal(size=(3, SIDE, SIDE, 2)).astype(np.float32)
        wanted = np.asarray(convolutional(images))
        assert np.abs(np.asarray(dense(images)) - wanted).max() < 1e-5 * np.abs(wanted).max()


@pytest.mark.parametrize("order", PERMS)
def test_a_function_is_looked_into(order: str) -> None:
    source = """
        import tensorflow as tf

        class Net(tf.Module):
            def __init__(self):
                super().__init__()
                self.kernel = tf.Variable(tf.ones([3, 3, 2, {CHANNELS}]), name="kernel")
                self.matrix = tf.Variable(tf.ones([{ROWS}, {OUT}]), name="matrix")

            @tf.function
            def features(self, x):
                y = tf.nn.relu(tf.nn.conv2d(x, self.kernel, 1, "SAME"))
                return tf.transpose(y, {perm}) if {perm} else y

            @tf.function
            def __call__(self, x):
                return tf.reshape(self.features(x), [-1, {ROWS}]) @ self.matrix

        net = Net()
    """
    write(source, order)
    used = consumer(read_graph(make_request("net.py:net", inputs=[INPUT])))
    assert seen(used) == expected(order, "Transpose")


def test_a_flatten_that_is_not_seen_is_never_safe() -> None:
    """The map comes out of an operation that is not known to keep its axes where they are."""
    source = """
        import tensorflow.compat.v1 as tf

        def dense(x):
            kernel = tf.get_variable("conv/weights", [3, 3, 2, {CHANNELS}])
            y = tf.nn.conv2d(x, kernel, [1, 1, 1, 1], "SAME")
            y = tf.reverse(y, [1])
            return tf.matmul(tf.reshape(y, [-1, {ROWS}]), tf.get_variable("fc/weights", [{ROWS}, {OUT}]))
    """
    write(source, "HWC")
    used = consumer(read_graph(make_request("net.py:dense", inputs=[INPUT])))
    assert used.flattened == (-1, SIDE, SIDE, CHANNELS)
    assert used.flattened_axes == ""


def test_a_map_whose_channels_come_first_is_put_last_by_keras_flatten() -> None:
    import keras
    from keras import layers

    from ckptdoctor.graphs.live_graph import graph_of_keras

    model = keras.Sequential(
        [
            keras.Input((2, SIDE, SIDE)),
            layers.Conv2D(CHANNELS, 3, padding="same", data_format="channels_first"),
            layers.Flatten(data_format="channels_first"),
            layers.Dense(OUT),
        ]
    )
    model.save("net.keras")
    for graph in (graph_of_keras(model), read_graph("net.keras")):
        assert seen(consumer(graph)) == ("MatMul", (-1, SIDE, SIDE, CHANNELS), "HWC", "Flatten")


def test_a_model_within_a_model_shows_its_flatten() -> None:
    import keras
    from keras import layers

    from ckptdoctor.graphs.live_graph import graph_of_keras

    base = keras.Sequential([keras.Input((SIDE, SIDE, 2)), layers.Conv2D(CHANNELS, 3, padding="same"), layers.ReLU()])
    images = keras.Input((SIDE, SIDE, 2))
    model = keras.Model(images, layers.Dense(OUT)(layers.Flatten()(base(images))))
    model.save("net.keras")
    for graph in (graph_of_keras(model), read_graph("net.keras")):
        assert seen(consumer(graph)) == ("MatMul", (-1, SIDE, SIDE, CHANNELS), "HWC", "")


@pytest.mark.skipif(not (SHARED / "situations/channels-first").is_dir(), reason="no situations beside the checkout")
@pytest.mark.parametrize(("graph", "options"), [("g.meta", []), ("g.py:net", ["--input", "images:Nx7x7x3"])])
def test_channels_first_before_a_flatten_is_transposed_and_unsafe(
    graph: str, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copytree(SHARED / "situations/channels-first", tmp_path / "case")
    (tmp_path / "case").chmod(0o755)
    monkeypatch.chdir(tmp_path / "case")
    text = run("diff", graph, "c.ckpt", *options, code=1)
    assert "A Transpose puts channels first before the flatten: [?,32,7,7]." in text
    assert "a transpose and a new shape [unsafe]" in text
    run("convert", "c.ckpt", "fitted.ckpt", "--graph", graph, *options, "--unsafe")
    same = ["--same-as", "conv.py:net", "c.ckpt", "--input", "images:Nx7x7x3"]
    run("verify", "fitted.ckpt", "--graph", "g.py:net", *same)


def test_a_matrix_that_is_used_transposed_is_transposed_and_unsafe() -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    source = """
        import tensorflow.compat.v1 as tf

        def dense(x):
            return tf.matmul(x, tf.get_variable("net/fc/weights", [4, 4]), transpose_b=True)

        def convolutional(x):
            kernel = tf.get_variable("net/fc/weights", [1, 1, 4, 4])
            return tf.squeeze(tf.nn.conv2d(x[:, None, None, :], kernel, 1, "VALID"), [1, 2])
    """
    functions = write(source, "HWC")
    with tf.Graph().as_default(), v1.Session() as session:
        functions["convolutional"](v1.placeholder(tf.float32, [None, 4]))  # type: ignore[operator]
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, "conv.ckpt", write_meta_graph=False)
    options = ["--graph", "net.py:dense", "--input", "x:Nx4"]
    assert "uses this matrix transposed" in run("diff", "net.py:dense", "conv.ckpt", "--input", "x:Nx4", code=1)
    run("convert", "conv.ckpt", "fitted.ckpt", *options, "--unsafe")
    run("verify", "fitted.ckpt", *options, "--same-as", "net.py:convolutional", "conv.ckpt")


@pytest.mark.parametrize("order", PERMS)
def test_a_stored_matrix_is_a_convolution_in_the_order_that_its_file_shows(order: str) -> None:
    import keras

    namespace = write(KERAS, order)
    dense = namespace["dense"]()  # type: ignore[operator]
    rng = np.random.default_rng(3)
    dense.set_weights([rng.normal(size=weight.shape).astype("f") for weight in dense.weights])
    dense.save("dense.keras")
    dense.save_weights("dense.weights.h5")

    def finding(checkpoint: str) -> Diagnostic:
        findings = diff("net.py:convolutional", checkpoint).findings
        return next(item for item in findings if item.rule.name == "dense-for-conv")

    assert finding("dense.keras").remedies[0].safety == ("safe" if order == "HWC" else "unsafe")
    # A file of weights alone says nothing of the order.
    alone = finding("dense.weights.h5")
    assert alone.remedies[0].safety == "unsafe"
    assert "not stored" in " ".join(alone.evidence)
    convert("dense.keras", "conv.weights.h5", graph="net.py:convolutional", unsafe=True)
    convolutional = namespace["convolutional"]()  # type: ignore[operator]
    convolutional.load_weights("conv.weights.h5")
    images = rng.normal(size=(4, SIDE, SIDE, 2)).astype("f")
    np.testing.assert_allclose(convolutional(images), dense(images), atol=1e-4)
    keras.backend.clear_session()
