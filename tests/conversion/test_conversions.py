"""What conversions compute: TensorFlow, or the definition written out, is the judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.conversion.plan import Plan, inverted
from ckptdoctor.conversion.plan_file import read_plan, write_plan
from ckptdoctor.executor.convert import convert as run_plan
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.npz import NPZ
from ckptdoctor.ops import Flip, Gather, Op, Partition, Rename, Reshape, Rows, Spread, Transpose
from tests.formats import oracle

Values = dict[str, np.ndarray]


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return " ".join(result.output.split())


def convert(directory: Path, values: Values, *options: str | Path, code: int = 0) -> Values:
    """The values after a conversion, through a bundle that TensorFlow reads."""
    source = directory / "source.npz"
    np.savez(source, **values)
    run("convert", source, directory / "made", "--force", *options, code=code)
    return oracle.read(directory / "made")


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def correlate(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """[H,W,in] and [kh,kw,in,out], VALID, as the definition says."""
    kh, kw = kernel.shape[:2]
    height, width = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    made = np.zeros((height, width, kernel.shape[3]))
    for y in range(height):
        for x in range(width):
            made[y, x] = np.einsum("hwi,hwio->o", image[y : y + kh, x : x + kw], kernel)
    return made


# --- Kernels of other libraries


@pytest.mark.parametrize("convention", ["theano", "pytorch", "keras-theano"])
def test_another_librarys_network_computes_the_same(convention: str, tmp_path: Path) -> None:
    image = random(6, 6, 3, seed=1)
    first_out = convention != "keras-theano"
    conv = random(4, 3, 3, 2) if first_out else random(3, 2, 3, 4)
    dense = random(4 * 4 * 5, 7, seed=2)
    # The network as its library defines it, written with correlation over [H,W,in].
    kernel = conv.transpose(2, 3, 1, 0) if first_out else conv
    kernel = kernel if convention == "pytorch" else kernel[::-1, ::-1]
    features = correlate(image, kernel)
    flat = features.transpose(2, 0, 1) if first_out else features
    expected = flat.reshape(-1) @ dense
    stored = {"conv/kernel": conv, "fc/kernel": dense.T if convention == "pytorch" else dense}
    options = ["--flatten", "fc/*=4x4x5"] if first_out else []
    made = convert(tmp_path, stored, "--kernels", f"{convention}:tensorflow", *options)
    found = correlate(image, made["conv/kernel"]).reshape(-1) @ made["fc/kernel"]
    assert np.allclose(found, expected, atol=1e-4)
    back = convert(tmp_path, made, "--kernels", f"tensorflow:{convention}", *options)
    assert all(np.array_equal(back[key], stored[key]) for key in stored)


def test_a_dense_kernel_behind_a_flatten_is_asked_for(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"c/kernel": random(4, 3, 3, 2), "d/kernel": random(8, 3)})
    assert "say so: --flatten" in run("convert", tmp_path / "a.npz", tmp_path / "b", "--kernels", "theano:tensorflow")
    for wish, said in (("d/*=5x5", "a map of 5x5 has 25"), ("no=2x4", "names no dense kernel"), ("d", "is not KEY")):
        command = ["convert", tmp_path / "a.npz", tmp_path / "x", "--kernels", "theano:tensorflow", "--flatten", wish]
        assert said in run(*command, code=2)
    assert "is not FROM:TO" in run(
        "convert", tmp_path / "a.npz", tmp_path / "x", "--kernels", "caffe:tensorflow", code=2
    )


# --- Depthwise


@pytest.mark.parametrize("multiplier", [1, 3])
def test_a_depthwise_convolution_is_a_convolution(multiplier: int, tmp_path: Path) -> None:
    import tensorflow as tf

    kernel = random(3, 2, 4, multiplier)
    image = random(1, 6, 6, 4, seed=1)
    made = convert(tmp_path, {"d/kernel": kernel}, "--depthwise-to-conv", "--only", "d/*")
    depthwise = tf.nn.depthwise_conv2d(image, kernel, [1, 1, 1, 1], "VALID").numpy()
    found = tf.nn.conv2d(image, made["d/kernel"], 1, "VALID").numpy()
    assert np.allclose(found, depthwise, atol=1e-5)
    back = convert(tmp_path, made, "--conv-to-depthwise", "--only", "d/*")
    assert np.array_equal(back["d/kernel"], kernel)


def test_a_convolution_that_mixes_channels_is_no_depthwise_one(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"d/kernel": random(3, 3, 4, 8)})
    command = ["convert", tmp_path / "a.npz", tmp_path / "b", "--conv-to-depthwise", "--only", "d/*"]
    assert "mixes channels" in run(*command, code=2)
    assert not (tmp_path / "b.index").exists()


# --- Input channels


def test_a_grey_image_gives_what_it_gave_as_three_channels(tmp_path: Path) -> None:
    import tensorflow as tf

    kernel, grey = random(3, 3, 3, 8), random(1, 6, 6, 1, seed=1)
    deep = random(3, 3, 8, 8, seed=2)
    colours = np.repeat(grey, 3, axis=3)
    expected = tf.nn.conv2d(colours, kernel, 1, "SAME").numpy()
    one = convert(tmp_path, {"a/kernel": kernel, "b/kernel": deep}, "--input-channels", "1")
    assert np.allclose(tf.nn.conv2d(grey, one["a/kernel"], 1, "SAME").numpy(), expected, atol=1e-5)
    assert np.array_equal(one["b/kernel"], deep)
    four = convert(tmp_path, {"a/kernel": kernel}, "--input-channels", "4")
    more = np.concatenate([colours, random(1, 6, 6, 1, seed=3)], axis=3)
    assert np.allclose(tf.nn.conv2d(more, four["a/kernel"], 1, "SAME").numpy(), expected, atol=1e-5)
    three = convert(tmp_path, {"a/kernel": one["a/kernel"]}, "--input-channels", "3")
    assert np.allclose(tf.nn.conv2d(colours, three["a/kernel"], 1, "SAME").numpy(), expected, atol=1e-5)


# --- Batch normalisation


@pytest.mark.parametrize(("bias", "scaled"), [(False, True), (True, True), (False, False)])
def test_a_folded_normalisation_computes_the_same(bias: bool, scaled: bool, tmp_path: Path) -> None:
    import tensorflow as tf

    values = {
        "net/a/weights": random(3, 3, 2, 5),
        "net/a/BatchNorm/beta": random(5, seed=1),
        "net/a/BatchNorm/moving_mean": random(5, seed=2),
        "net/a/BatchNorm/moving_variance": np.abs(random(5, seed=3)),
        "net/b/weights": random(1, 1, 5, 2),
    }
    if bias:
        values["net/a/biases"] = random(5, seed=4)
    if scaled:
        values["net/a/BatchNorm/gamma"] = random(5, seed=5)
    made = convert(tmp_path, values, "--fold-batchnorm")
    assert set(made) == {"net/a/weights", "net/a/biases", "net/b/weights"}
    image = random(1, 6, 6, 2, seed=6)
    inner = tf.nn.conv2d(image, values["net/a/weights"], 1, "SAME") + values.get("net/a/biases", 0.0)
    norm = {name: values.get(f"net/a/BatchNorm/{name}") for name in ("moving_mean", "moving_variance", "beta", "gamma")}
    expected = tf.nn.batch_normalization(inner, *norm.values(), 0.001).numpy()
    found = tf.nn.conv2d(image, made["net/a/weights"], 1, "SAME").numpy() + made["net/a/biases"]
    assert np.allclose(found, expected, atol=1e-4)


def test_a_keras_file_says_which_layer_is_before_a_normalisation(tmp_path: Path) -> None:
    import keras

    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="one", use_bias=False)(image)
    x = layers.BatchNormalization(name="norm_of_one", epsilon=0.01)(x)
    x = layers.DepthwiseConv2D(3, name="deep", depth_multiplier=2)(layers.ReLU()(x))
    x = layers.BatchNormalization(name="norm_of_deep")(x)
    x = layers.BatchNormalization(name="alone")(layers.MaxPooling2D(2)(x))
    model = keras.Model(image, layers.Dense(2, name="head")(layers.Flatten()(x)))
    model.set_weights([np.abs(random(*weight.shape, seed=n)) + 0.1 for n, weight in enumerate(model.weights)])
    model.save(tmp_path / "m.keras")
    output = run("convert", tmp_path / "m.keras", tmp_path / "folded.npz", "--fold-batchnorm")
    assert "alone stays" in output
    folded = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, name="one")(folded)
    y = layers.DepthwiseConv2D(3, name="deep", depth_multiplier=2)(layers.ReLU()(y))
    y = layers.BatchNormalization(name="alone")(layers.MaxPooling2D(2)(y))
    (tmp_path / "folded.py").write_text(
        "import keras\nlayers = keras.layers\nimage = keras.Input((8, 8, 3))\n"
        "y = layers.Conv2D(4, 3, name='one')(image)\n"
        "y = layers.DepthwiseConv2D(3, name='deep', depth_multiplier=2)(layers.ReLU()(y))\n"
        "y = layers.BatchNormalization(name='alone')(layers.MaxPooling2D(2)(y))\n"
        "model = keras.Model(image, layers.Dense(2, name='head')(layers.Flatten()(y)))\n"
    )
    again = keras.Model(folded, layers.Dense(2, name="head")(layers.Flatten()(y)))
    made = tmp_path / "folded.weights.h5"
    run("convert", tmp_path / "m.keras", made, "--fold-batchnorm", "--graph", tmp_path / "folded.py")
    again.load_weights(made)
    images = random(2, 8, 8, 3, seed=9)
    assert np.allclose(np.asarray(again(images)), np.asarray(model(images)), rtol=1e-4, atol=1e-4)


def test_a_fold_that_is_not_known_is_asked_for(tmp_path: Path) -> None:
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    np.savez(
        tmp_path / "a.npz", **{"c/kernel": random(1, 1, 2, 3)}, **{f"n/{name}": np.abs(random(3)) + 1 for name in names}
    )
    assert "--fold CONV=n" in run("convert", tmp_path / "a.npz", tmp_path / "b", "--fold-batchnorm", code=2)
    command = ["convert", tmp_path / "a.npz", tmp_path / "b", "--fold-batchnorm", "--fold"]
    assert "names no layer" in run(*command, "x=n", code=2)
    run(*command, "c=n", "--epsilon", "0.5")
    assert set(oracle.read(tmp_path / "b")) == {"c/kernel", "c/bias"}


# --- Recurrent layers


def keras_2_conversion(kernels: np.ndarray, transform: Any, gates: int) -> np.ndarray:
    """What Keras 2's loader does gate by gate."""
    return np.hstack([transform(kernel) for kernel in np.hsplit(kernels, gates)])


@pytest.mark.parametrize("gates", [4, 3])
def test_cudnn_layers_become_plain_ones_as_keras_converts_them(gates: int, tmp_path: Path) -> None:
    size, units = 5, 3
    values = {
        "rnn/kernel": random(size, gates * units),
        "rnn/recurrent_kernel": random(units, gates * units, seed=1),
        "rnn/bias": random(2 * gates * units, seed=2),
    }
    made = convert(tmp_path, values, "--cudnn-to-plain")
    to_plain = keras_2_conversion(values["rnn/kernel"], lambda k: k.T.reshape(k.shape, order="F"), gates)
    assert np.array_equal(made["rnn/kernel"], to_plain)
    assert np.array_equal(
        made["rnn/recurrent_kernel"], keras_2_conversion(values["rnn/recurrent_kernel"], np.transpose, gates)
    )
    halves = np.split(values["rnn/bias"], 2)
    assert np.array_equal(made["rnn/bias"], halves[0] + halves[1] if gates == 4 else np.array(halves))
    back = convert(tmp_path, made, "--plain-to-cudnn")
    assert np.array_equal(back["rnn/kernel"], values["rnn/kernel"])
    assert np.array_equal(back["rnn/recurrent_kernel"], values["rnn/recurrent_kernel"])
    if gates == 3:
        assert np.array_equal(back["rnn/bias"], values["rnn/bias"])
    else:
        assert np.array_equal(back["rnn/bias"], np.tile(0.5 * made["rnn/bias"], 2))


def test_a_gru_without_reset_after_has_no_counterpart(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz",
        **{"g/kernel": random(5, 9), "g/recurrent_kernel": random(3, 9), "g/bias": random(9)},
    )
    assert "no GRU without reset_after" in run(
        "convert", tmp_path / "a.npz", tmp_path / "b", "--plain-to-cudnn", code=2
    )


# --- Vocabularies


def test_a_vocabulary_is_remapped_as_tensorflow_does(tmp_path: Path) -> None:
    import tensorflow as tf

    old, new = ["a", "b", "c", "d"], ["x", "c", "a", "y", "d"]
    (tmp_path / "old").write_text("".join(f"{word}\n" for word in old))
    (tmp_path / "new").write_text("\n".join(new))
    values = {"emb": random(4, 6), "out/kernel": random(6, 4, seed=1), "out/bias": random(4, seed=2), "w": random(3, 3)}
    made = convert(tmp_path, values, "--vocabulary", tmp_path / "old", tmp_path / "new")
    rows = [old.index(word) if word in old else -1 for word in new]
    oracle.save_raw(tmp_path / "tf", values)
    expected = tf.raw_ops.LoadAndRemapMatrix(
        ckpt_path=str(tmp_path / "tf"),
        old_tensor_name="emb",
        row_remapping=tf.constant(rows, tf.int64),
        col_remapping=tf.constant([], tf.int64),
        initializing_values=[0.0] * (rows.count(-1) * 6),
        num_rows=5,
        num_cols=6,
    ).numpy()
    assert np.array_equal(made["emb"], expected)
    assert np.array_equal(made["out/kernel"][:, 1], values["out/kernel"][:, 2])
    assert made["out/bias"].tolist() == [0, values["out/bias"][2], values["out/bias"][0], 0, values["out/bias"][3]]
    assert np.array_equal(made["w"], values["w"])
    drawn = convert(tmp_path, values, "--vocabulary", tmp_path / "old", tmp_path / "new", "--new-rows", "normal:0.5")
    assert np.array_equal(drawn["emb"][[1, 2, 4]], expected[[1, 2, 4]])
    assert drawn["emb"][0].std() > 0
    assert not np.array_equal(drawn["emb"][0], drawn["emb"][3])
    (tmp_path / "twice").write_text("a\na\n")
    command = ["convert", tmp_path / "source.npz", tmp_path / "z", "--vocabulary", tmp_path / "old"]
    assert "twice" in run(*command, tmp_path / "twice", code=2)


# --- Partitions


@pytest.mark.parametrize("axis", [0, 1])
def test_partitions_are_written_as_tensorflow_writes_them(axis: int, tmp_path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    value = random(7, 5)
    partitioner = v1.fixed_size_partitioner(3, axis=axis)
    with tf.Graph().as_default(), v1.Session() as session:
        v1.get_variable("w", initializer=tf.constant(value), partitioner=partitioner, use_resource=False)
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "tf"), write_meta_graph=False, write_state=False)
    np.savez(tmp_path / "whole.npz", w=value)
    run("convert", tmp_path / "whole.npz", tmp_path / "cut", "--partition", f"w=3@{axis}")
    assert (tmp_path / "cut.index").read_bytes() == (tmp_path / "tf.index").read_bytes()
    data = "data-00000-of-00001"
    assert (tmp_path / f"cut.{data}").read_bytes() == (tmp_path / f"tf.{data}").read_bytes()
    run("convert", tmp_path / "tf", tmp_path / "joined", "--whole")
    assert not open_checkpoint(str(tmp_path / "joined")).inventory.entries["w"].slices
    assert np.array_equal(oracle.read(tmp_path / "joined")["w"], value)
    for name in ("cut", "joined"):
        with tf.Graph().as_default(), v1.Session() as session:
            variable = v1.get_variable("w", [7, 5], partitioner=partitioner, use_resource=False)
            v1.train.Saver().restore(session, str(tmp_path / name))
            assert np.array_equal(session.run(tf.convert_to_tensor(variable)), value)


# --- Optimizer state


def test_an_optimizers_state_is_dropped(tmp_path: Path) -> None:
    values = {"a/w": random(2, 2), "a/w/Adam": random(2, 2), "a/w/Adam_1": random(2, 2), "beta1_power": random(1)[0]}
    values |= {"global_step": np.array(3, np.int64), "a/w/ExponentialMovingAverage": random(2, 2)}
    made = convert(tmp_path, values, "--optimizer", "drop")
    assert set(made) == {"a/w", "global_step", "a/w/ExponentialMovingAverage"}


def test_wishes_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"a/kernel": random(2, 2)})
    for options, said in (
        (["--conv-to-dense", "--dense-to-conv"], "undo each other"),
        (["--kernel", "3x3"], "--kernel belongs to"),
        (["--only", "x"], "--only belongs to"),
        (["--flatten", "x=1x2"], "--flatten belongs to"),
        (["--epsilon", "0.1"], "belongs to --fold-batchnorm"),
    ):
        assert said in run("convert", tmp_path / "a.npz", tmp_path / "b", *options, code=2)


# --- Inverses

SHAPE = (2, 3, 4, 12)
INVERTIBLE: st.SearchStrategy[Op] = st.one_of(
    st.permutations(range(4)).map(lambda perm: Transpose("t", tuple(perm))),
    st.sets(st.integers(0, 3)).map(lambda axes: Flip("t", tuple(sorted(axes)))),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(INVERTIBLE, max_size=4), st.permutations(range(12)), st.booleans())
def test_what_can_be_undone_comes_back_bit_for_bit(
    tmp_path: Path, moves: list[Op], order: list[int], spread: bool
) -> None:
    value = random(*SHAPE)
    np.savez(tmp_path / "a.npz", t=value)
    ops: list[Op] = [*moves, Reshape("t", (12, 24)), Rows("t", tuple(order)), Rename("t", "u")]
    if spread:
        ops = [Spread("t"), Gather("t"), *ops, Partition("u", 0, 5)]
    plan = Plan(str(tmp_path / "a.npz"), tuple(ops))
    write_plan(plan, tmp_path / "plan.toml")
    assert read_plan(tmp_path / "plan.toml") == plan
    run_plan(open_checkpoint(str(tmp_path / "a.npz")), plan, str(tmp_path / "b"), force=True)
    back = inverted(plan, open_checkpoint(str(tmp_path / "a.npz")).inventory)
    if spread:
        # A bundle that is read has its slices; joining them is what undoes a partition.
        assert open_checkpoint(str(tmp_path / "b")).inventory.entries["u"].slices
    run_plan(open_checkpoint(str(tmp_path / "b")), back, str(tmp_path / "c.npz"), target=NPZ, force=True)
    with np.load(tmp_path / "c.npz") as archive:
        assert set(archive) == {"t"}
        assert archive["t"].tobytes() == value.tobytes()


def test_undo_is_a_command(tmp_path: Path) -> None:
    value = random(3, 2, 5, 4)
    np.savez(tmp_path / "a.npz", **{"c/kernel": value, "d/kernel": random(4, 2)})
    plan = tmp_path / "plan.toml"
    run("convert", tmp_path / "a.npz", tmp_path / "b", "--kernels", "tensorflow:pytorch", "--plan", plan)
    run("convert", tmp_path / "b", tmp_path / "c.npz", "--plan", plan, "--undo")
    with np.load(tmp_path / "c.npz") as archive:
        assert archive["c/kernel"].tobytes() == value.tobytes()
    run("convert", tmp_path / "a.npz", tmp_path / "h", "--dtype", "float16", "--plan", plan)
    assert "cannot be undone" in run("convert", tmp_path / "h", tmp_path / "x", "--plan", plan, "--undo", code=2)
