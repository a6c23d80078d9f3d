"""What a conversion wrote is loaded by the owner's own loader before it is in place; `verify` does the same with what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

import ckptdoctor
from ckptdoctor.cli.app import app
from ckptdoctor.conversion.fit import whole_layers
from ckptdoctor.errors import RestoreRefused
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.tensor import TensorSpec

TF1 = """
import tensorflow as tf
def net(x, classes=5, resource=False):
    with tf.variable_scope("net", use_resource=resource):
        h = tf.layers.flatten(tf.layers.conv2d(x, 2, 3, name="conv"))
        return tf.layers.dense(tf.layers.dense(h, 6, name="hidden"), classes, name="head")
"""
KERAS = """
import keras
from keras import layers
class Tail(keras.Model):
    def __init__(self, width, classes):
        super().__init__(name="tail")
        self.hidden = layers.Dense(width, name="hidden")
        self.head = layers.Dense(classes, name="head")
    def call(self, x):
        return self.head(self.hidden(x))
def net(width=6, classes=5):
    image = keras.Input((6, 6, 3))
    inner = keras.Input((6, 6, 3))
    x = layers.BatchNormalization(name="norm")(layers.Conv2D(2, 3, name="conv")(inner))
    base = keras.Model(inner, layers.GlobalAveragePooling2D()(x), name="base")
    model = keras.Model(image, Tail(width, classes)(base(image)))
    model.compile("adam", "mse")
    return model
"""
OBJECTS = """
import tensorflow as tf
class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.layers = [tf.Variable(tf.ones([2, 3])), tf.Variable(tf.ones([3]))]
        self.head = {"w": tf.Variable(tf.fill([3, 4], 0.25)), "b": tf.Variable(tf.zeros([4]))}
def make():
    return tf.train.Checkpoint(net=Net(), step=tf.Variable(0, dtype=tf.int64))
"""
IMAGES = ("--input", "x:Nx6x6x3")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in (("tf1.py", TF1), ("keras_net.py", KERAS), ("objects.py", OBJECTS)):
        Path(name).write_text(text)
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def traces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Traces are kept for the tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def values(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Values that differ everywhere."""
    rng = np.random.default_rng(7)
    return {key.replace("__", "/"): rng.normal(3.0, 1.0, shape).astype(np.float32) for key, shape in shapes.items()}


def tf1_values(classes: int) -> dict[str, np.ndarray]:
    return values(
        net__conv__kernel=(3, 3, 3, 2),
        net__conv__bias=(2,),
        net__hidden__kernel=(32, 6),
        net__hidden__bias=(6,),
        net__head__kernel=(6, classes),
        net__head__bias=(classes,),
    )


def keras_values(width: int = 6, classes: int = 5) -> dict[str, np.ndarray]:
    norm = dict.fromkeys(("norm__gamma", "norm__beta", "norm__moving_mean", "norm__moving_variance"), (2,))
    return values(
        conv__kernel=(3, 3, 3, 2),
        conv__bias=(2,),
        **norm,
        tail__hidden__kernel=(2, width),
        tail__hidden__bias=(width,),
        tail__head__kernel=(width, classes),
        tail__head__bias=(classes,),
    )


def keras_model(**sizes: int) -> Any:
    space: dict[str, Any] = {"__name__": "keras_net"}
    exec(KERAS, space)
    return space["net"](**sizes)


@pytest.mark.parametrize(
    ("lacking", "one_for_all", "left_out"),
    [
        (["a/kernel"], False, ["a/kernel", "a/bias", "a/kernel/Adam", "a/bias/Adam"]),
        (["a/bias"], False, ["a/bias", "a/bias/Adam"]),
        (["a/bias"], True, ["a/kernel", "a/bias", "a/kernel/Adam", "a/bias/Adam"]),
        (["n/beta"], False, ["n/beta"]),
        (["n/moving_variance"], False, ["n/gamma", "n/beta", "n/moving_mean", "n/moving_variance"]),
        (["w"], False, ["w", "w/Adam"]),
    ],
)
def test_a_layer_goes_as_a_whole_with_its_kernel(lacking: list[str], one_for_all: bool, left_out: list[str]) -> None:
    names = ("a/kernel", "a/bias", "n/gamma", "n/beta", "n/moving_mean", "n/moving_variance", "w", "b", "ab/kernel")
    names += ("a/kernel/Adam", "a/bias/Adam", "w/Adam")
    spec = TensorSpec(dtype_from_name("float32"), (2,))
    variables = [Variable(name, name, spec) for name in names]
    taken = whole_layers([item for item in variables if item.key in lacking], variables, one_for_all=one_for_all)
    assert [item.key for item in taken] == sorted(left_out, key=names.index)


def code_in(output: str) -> str:
    """The call that a conversion prints."""
    _, _, after = output.partition("each was compared:\n")
    assert after, output
    return "\n".join(line.strip() for line in after.splitlines() if line.startswith("    "))


# --- By names --------------------------------------------------------------------------------------------------------


def test_a_saver_proves_every_variable_of_a_graph(place: Path) -> None:
    ckptdoctor.save("full.npz", tf1_values(5))
    output = run("convert", "full.npz", "fit.ckpt", "--graph", "tf1.py:net", *IMAGES)
    call = "tf.compat.v1.train.Saver().restore(session, 'fit.ckpt')"
    assert f"proved: 6 of 6 variables hold the stored values after {call}" in output
    receipt = ckptdoctor.convert(
        "full.npz", "again.ckpt", graph="tf1.py:net", inputs={"x": (None, 6, 6, 3)}, proof=False
    )
    assert receipt.proof is not None
    assert (receipt.proof.proved, receipt.fits) == (False, True)
    assert receipt.proof.unproved == "no proof was asked for"


@pytest.mark.parametrize("resource", [False, True])
def test_the_call_that_is_printed_for_a_new_head_loads_the_rest(resource: bool, place: Path) -> None:
    """Also where the plain call raises nothing, and gives a resource variable another shape."""
    import tensorflow as tf

    stored = tf1_values(9)
    ckptdoctor.save("nine.npz", stored)
    options = (*IMAGES, "--arg", f"resource={resource}")
    output = run("convert", "nine.npz", "nine.ckpt", "--graph", "tf1.py:net", *options, "-q", code=1)
    assert "wrote nine.ckpt; it does NOT fit yet: 2 of 6 variables" in output
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("", use_resource=resource):
            made = {name: v1.get_variable(name, value.shape) for name, value in tf1_values(5).items()}
        session.run(v1.global_variables_initializer())
        head = session.run(made["net/head/kernel"])
        exec(code_in(output), {"tf": tf, "session": session})
        for name, variable in made.items():
            expected = head if name == "net/head/kernel" else stored[name]
            if name != "net/head/bias":
                assert np.array_equal(session.run(variable), expected), name


def test_verify_says_what_a_saver_says(place: Path) -> None:
    ckptdoctor.save("nine.ckpt", tf1_values(9))
    options = ("--graph", "tf1.py:net", *IMAGES)
    output = run("verify", "nine.ckpt", *options, code=1)
    assert "Assign requires shapes of both tensors to match. lhs shape= [" in output  # the kernel's or the bias's
    assert "graph_worker" not in output
    output = run("verify", "nine.ckpt", *options, "--exclude", "net/head")
    assert "ok 4 of 4 variables hold the stored values" in output


# --- By Keras --------------------------------------------------------------------------------------------------------


def test_keras_proves_a_nested_compiled_model(place: Path) -> None:
    stored = keras_values()
    ckptdoctor.save("full.npz", stored)
    output = run("convert", "full.npz", "fit.weights.h5", "--graph", "keras_net.py:net")
    assert "proved: 10 of 10 variables hold the stored values after model.load_weights('fit.weights.h5')" in output
    model = keras_model()
    model.load_weights("fit.weights.h5")
    assert all(np.array_equal(weight.numpy(), stored[weight.path]) for weight in model.weights)
    verified = run("verify", "fit.weights.h5", "--graph", "keras_net.py:net")
    assert "ok 10 of 10 variables hold the stored values" in verified
    verified = run("verify", "full.npz", "--graph", "keras_net.py:net", code=1)
    assert "no loader of TensorFlow or Keras reads full.npz" in verified
    assert "ckptdoctor convert full.npz full_fitted.weights.h5 --graph keras_net.py:net" in verified


@pytest.mark.parametrize("damage", ["a value", "the file"])
def test_what_does_not_load_as_it_is_meant_leaves_nothing_behind(
    damage: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ckptdoctor.save("full.npz", keras_values())
    before = sorted(place.rglob("*"))
    staged = AtomicOutput.staged

    def sabotaged(output: AtomicOutput) -> dict[Path, Path]:
        files = staged(output)
        (written,) = files
        if damage == "the file":
            written.write_bytes(written.read_bytes()[:1000])
        else:
            with h5py.File(written, "r+") as file:
                names: list[str] = []
                file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
                file[names[-1]][...] += 1
        return files

    monkeypatch.setattr(AtomicOutput, "staged", sabotaged)
    with pytest.raises(RestoreRefused) as caught:
        ckptdoctor.convert("full.npz", "fit.weights.h5", graph="keras_net.py:net")
    if damage == "a value":
        assert "1 of 10 variables differ" in caught.value.message
        assert "holds another value" in caught.value.details
    else:
        assert "fails" in caught.value.message
        assert "OSError" in caught.value.details
    assert "--no-proof" in caught.value.hint
    assert sorted(place.rglob("*")) == before


def test_a_fresh_head_makes_the_plain_load_work_and_no_layer_is_half_stored(place: Path) -> None:
    """The bias of the head would fit by itself, and belongs to a kernel that does not."""
    stored = keras_values(width=8)
    ckptdoctor.save("wide.npz", stored)
    arguments = ("wide.npz", "fit.weights.h5", "--graph", "keras_net.py:net")
    output = run("convert", *arguments, "-q", code=1)
    assert "4 of 10 variables have no fitting value in it" in output
    receipt = ckptdoctor.convert("wide.npz", "fit.weights.h5", graph="keras_net.py:net", fresh_head=True, force=True)
    assert receipt.proof is not None
    assert receipt.proof.proved
    names = {f"tail/{layer}/{role}" for layer in ("hidden", "head") for role in ("kernel", "bias")}
    assert set(receipt.proof.fresh) == names
    model = keras_model()
    model.load_weights("fit.weights.h5")
    loaded = {weight.path: weight.numpy() for weight in model.weights}
    assert all(np.array_equal(loaded[key], stored[key]) for key in loaded.keys() - names)
    assert not loaded["tail/head/bias"].any()
    limit = np.sqrt(6 / (6 + 5))  # Glorot's, as Dense has it
    assert 0 < np.abs(loaded["tail/head/kernel"]).max() <= limit
    assert len(np.unique(loaded["tail/head/kernel"])) == 30
    again = ckptdoctor.plan_conversion("wide.npz", "other.weights.h5", graph="keras_net.py:net", fresh_head=True)
    drawn = [op.data for op in again.plan.ops if op.verb == "fill" and op.key == "tail/head/kernel"]  # type: ignore[attr-defined]
    assert drawn == [loaded["tail/head/kernel"].tobytes()]


def test_a_graph_that_is_read_and_not_built_proves_nothing(place: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="out")], name="small")
    model.save("net.keras")
    ckptdoctor.save("small.npz", {weight.path: weight.numpy() + 1 for weight in model.weights})
    output = run("convert", "small.npz", "small.weights.h5", "--graph", "net.keras")
    assert "not proved: net.keras is read and not built" in output
    output = run("convert", "small.npz", "x.npz", "--graph", "net.keras", "--fresh-head", code=2)
    assert "its initializers cannot run" in output


# --- By objects ------------------------------------------------------------------------------------------------------


def test_an_object_without_a_value_is_said_and_tensorflow_asserts_it_until_it_has_one(place: Path) -> None:
    stored = values(**{"net__layers__0": (2, 3), "net__layers__1": (3,)})
    ckptdoctor.save("body.npz", {**stored, "step": np.int64(41)})
    names = {"net/layers/0": "net/layers/0", "net/layers/1": "net/layers/1", "step": "step"}
    Path("map.txt").write_text("".join(f"{key} {name}/.ATTRIBUTES/VARIABLE_VALUE\n" for key, name in names.items()))
    arguments = ("body.npz", "body.ckpt", "--graph", "objects.py:make", "--map", "map.txt")
    output = run("convert", *arguments, "-q", code=1)
    assert "2 of 5 variables have no fitting value in it" in output
    assert code_in(output) == "checkpoint.restore('body.ckpt').expect_partial()"
    space: dict[str, Any] = {"__name__": "objects"}
    exec(OBJECTS, space)
    checkpoint = space["make"]()
    with pytest.raises(AssertionError):
        checkpoint.restore("body.ckpt").assert_existing_objects_matched()
    output = run("convert", *arguments, "--fresh-head", "--force")
    assert "proved: 5 of 5 variables" in output
    checkpoint = space["make"]()
    checkpoint.restore("body.ckpt").assert_existing_objects_matched()
    assert np.array_equal(checkpoint.net.layers[0].numpy(), stored["net/layers/0"])
    assert int(checkpoint.step) == 41
    assert (checkpoint.net.head["w"].numpy() == 0.25).all()
