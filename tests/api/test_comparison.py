"""`diff`, `contents`, `verify` and `explain` from Python: whatever names a side, and reports that say what the commands say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import ckptdoctor
from ckptdoctor.api.graphs import graph_request
from ckptdoctor.cli.app import app
from ckptdoctor.graphs.request import GraphRequest, Input
from tests.api.made import bundle
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
V1, DENSE = FIXTURES / "classifier.ckpt", FIXTURES / "dense.py"
IMAGES = {"images": (None, 4, 4, 1)}


@pytest.fixture(scope="module")
def report() -> ckptdoctor.DiffReport:
    with ckptdoctor.open(V1) as ckpt:
        return ckptdoctor.diff(DENSE, ckpt, inputs=IMAGES, args={"classes": 3})


def printed(*arguments: str | Path) -> str:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"}).stdout


def test_a_report_says_what_the_command_prints(report: ckptdoctor.DiffReport) -> None:
    options = ("--input", "images:Nx4x4x1", "--arg", "classes=3")
    assert str(report) == printed("diff", DENSE, V1, *options).rstrip("\n")
    assert report.to_json() == printed("diff", DENSE, V1, *options, "--format", "json").rstrip("\n")
    assert json.loads(report.to_json()) == json.loads(json.dumps(report.to_dict()))
    assert not report.fits
    assert not report.clean
    assert {item.rule.code for item in report.findings} >= {"CKD201"}
    assert len(repr(report).splitlines()) <= 4
    assert len(repr(report)) < 500
    assert "does not fit" in repr(report)
    assert "<iframe" in report._repr_html_()


def test_a_contents_says_what_the_command_prints() -> None:
    contents = ckptdoctor.contents(V1)
    assert str(contents) == printed("inspect", V1).rstrip("\n")
    assert contents.to_json() == printed("inspect", V1, "--format", "json").rstrip("\n")
    assert contents.variables["net/fc6/weights"].spec.shape == ckptdoctor.open(V1)["net/fc6/weights"].shape


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"x": (None, 224, 224, 3)}, Input("x", (-1, 224, 224, 3))),
        ({"x": [1, 2]}, Input("x", (1, 2))),
        ({"x": ()}, Input("x", ())),
        ({"x": (None, 3)}, Input("x", (-1, 3))),
        ({"x": (2, 3)}, Input("x", (2, 3))),
        ({"x": ((1, 128), "int32")}, Input("x", (1, 128), "int32")),
        ({"x": ((None,), np.int64)}, Input("x", (-1,), "int64")),
        ({"x": ([], np.dtype("float16"))}, Input("x", (), "float16")),
        ({"x": np.zeros((2, 5), np.uint8)}, Input("x", (2, 5), "uint8")),
        (["x:Nx3:int32"], Input("x", (-1, 3), "int32")),
    ],
    ids=str,
)
def test_inputs_are_shapes_or_the_command_lines_words(inputs: Any, expected: Input) -> None:
    request = graph_request(DENSE, inputs=inputs)
    assert isinstance(request, GraphRequest)
    assert request.inputs == (expected,)


def test_an_input_is_what_tensorflow_and_keras_describe_it_with() -> None:
    import keras
    import tensorflow as tf

    for described in (tf.TensorSpec([None, 8], tf.int32), keras.KerasTensor((None, 8), "int32")):
        request = graph_request(DENSE, inputs={"x": described})
        assert isinstance(request, GraphRequest)
        assert request.inputs == (Input("x", (-1, 8), "int32"),)
    request = graph_request(DENSE, inputs={"x": (tf.TensorShape([None, 8]), tf.int32)})
    assert isinstance(request, GraphRequest)
    assert request.inputs == (Input("x", (-1, 8), "int32"),)


@pytest.mark.parametrize(
    "inputs",
    [{"x": "Nx3"}, {"x": 3}, {"x": (1.5, 2)}, {"x": (-2, 3)}, {"x": ((1, 2), "float")}, {"x": ((1, 2), 7)}, "x:3"],
    ids=str,
)
def test_what_is_no_shape_is_refused(inputs: Any) -> None:
    with pytest.raises(ckptdoctor.UsageError) as caught:
        graph_request(DENSE, inputs=inputs)
    assert caught.value.hint


class Odd:
    pass


@pytest.mark.parametrize(
    "value", [Odd(), Odd, print, np.float32(1), np.zeros(2), ..., [1, (2, Odd())], {"a": {3: Odd()}}], ids=str
)
def test_an_argument_that_cannot_travel_is_refused(value: Any) -> None:
    with pytest.raises(ckptdoctor.UsageError, match="cannot travel") as caught:
        ckptdoctor.diff(DENSE, V1, inputs=IMAGES, args={"classes": value})
    assert "Pass literals" in caught.value.hint


def test_literals_arrive_as_they_were_sent(tmp_path: Path) -> None:
    sent = {
        "a": None,
        "b": True,
        "c": [1, 2.5, ("x",)],
        "d": {"e": [False], (1, 2): {3}},
        "f": "10",
        "g": b"\xff",
        "h": -3j,
    }
    (tmp_path / "graph.py").write_text(
        "import tensorflow.compat.v1 as tf\n"
        "def net(size, **others):\n"
        f"    assert others == {sent!r}, others\n"
        "    tf.get_variable('w', size + (3,))\n"
    )
    ckptdoctor.save(tmp_path / "model.ckpt", {"w": np.ones((2, 3), np.float32)})
    assert ckptdoctor.diff(tmp_path / "graph.py", tmp_path / "model.ckpt", args={"size": (2,), **sent}).fits


def test_a_name_a_path_and_an_opened_checkpoint_are_the_same_side(tmp_path: Path) -> None:
    with ckptdoctor.open(V1) as ckpt:
        reports = [ckptdoctor.diff(lhs, rhs) for lhs in (str(V1), V1, ckpt) for rhs in (str(V1), V1, ckpt)]
    assert all(item.fits for item in reports)
    assert len({item.to_json() for item in reports}) == 1
    with pytest.raises(ckptdoctor.UsageError, match="include is one string"):
        ckptdoctor.diff(V1, V1, include="net")


def test_values_are_compared_under_the_names_that_are_meant(tmp_path: Path) -> None:
    ckptdoctor.save(tmp_path / "a.npz", {"net/a": np.arange(3.0), "net/b": np.arange(2.0)})
    ckptdoctor.save(tmp_path / "b.npz", {"tower/a": np.arange(3.0), "tower/b": np.arange(2.0) + 1})
    for options in ({"rename": {"^tower/": "net/"}}, {"map": {"tower/a": "net/a", "tower/b": "net/b"}}):
        report = ckptdoctor.diff(tmp_path / "a.npz", tmp_path / "b.npz", values=True, **options)  # type: ignore[arg-type]
        assert {item.lhs: item.state for item in report.values} == {"net/a": "equal", "net/b": "changed"}
        assert report.clean
        assert report.to_dict()["values"]
    with pytest.raises(ckptdoctor.UsageError, match="holds no values"):
        ckptdoctor.diff(DENSE, V1, inputs=IMAGES, values=True)


def test_a_rename_may_look_ahead(tmp_path: Path) -> None:
    """A regular expression with `=` in it, which no command line can pass."""
    ckptdoctor.save(tmp_path / "a.npz", {"net/a": np.ones(3), "other/a": np.ones(2)})
    report = ckptdoctor.diff(tmp_path / "a.npz", tmp_path / "a.npz", rename={"^net(?=/a)": "other/net"})
    assert list(report.alignment.inventory.entries) == ["other/a", "other/net/a"]


def test_a_live_model_is_a_graph(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="out")])
    model.save_weights(tmp_path / "m.weights.h5")
    assert ckptdoctor.diff(model, tmp_path / "m.weights.h5").fits
    wider = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5, name="out")])
    assert not ckptdoctor.diff(wider, tmp_path / "m.weights.h5").fits

    def module(width: int) -> tf.Module:
        made = tf.Module()
        made.v = tf.Variable(np.arange(width, dtype=np.float32))
        return made

    path = tf.train.Checkpoint(module=module(3)).save(str(tmp_path / "ck"))
    assert ckptdoctor.diff(tf.train.Checkpoint(module=module(3)), path).fits
    assert not ckptdoctor.diff(tf.train.Checkpoint(module=module(4)), path).fits
    direct = tf.train.Checkpoint(module(3)).write(str(tmp_path / "direct"))
    assert ckptdoctor.diff(module(3), direct).fits
    for thing, said in ((object(), "an? object is no graph"), (3, "is no graph"), (tf.Module(), "has no variables")):
        with pytest.raises(ckptdoctor.UsageError, match=said):
            ckptdoctor.diff(thing, path)
    with pytest.raises(ckptdoctor.UsageError, match="built already"):
        ckptdoctor.diff(model, path, inputs=IMAGES)


def test_a_saver_is_a_graph(tmp_path: Path) -> None:
    import tensorflow as tf

    path, v1 = bundle(tmp_path), tf.compat.v1
    for shape, fits in (((6, 4), True), ((6, 5), False)):
        with tf.Graph().as_default():
            with v1.variable_scope("", use_resource=False):
                variable = v1.get_variable("matrix", shape)
            report = ckptdoctor.diff(v1.train.Saver({"matrix": variable}), path)
        assert not report.alignment.missing
        assert (not report.alignment.mismatched) == fits


def test_verify_says_what_was_tried(tmp_path: Path) -> None:
    path = bundle(tmp_path)
    with ckptdoctor.open(path) as ckpt:
        verification = ckptdoctor.verify(ckpt)
    assert verification.proved
    assert "every checksum holds" in str(verification)
    data = Path(f"{path}.data-00000-of-00001")
    damaged = bytearray(data.read_bytes())
    damaged[0] ^= 1
    data.write_bytes(damaged)
    verification = ckptdoctor.verify(path)
    assert not verification.proved
    assert len(verification.problems) == 1
    assert "crc" in str(verification)
    assert "failed" in repr(verification)
    with pytest.raises(ckptdoctor.UsageError, match="same_as"):
        ckptdoctor.verify(path, same_as=("graph.py", path))


def test_verify_restores_into_a_graph() -> None:
    verification = ckptdoctor.verify(V1, FIXTURES / "conv.py", inputs={"images": (1, 4, 4, 1)})
    assert verification.restored is not None
    assert verification.proved
    assert str(verification).startswith("ok ")
    assert "variables hold the stored values after tf.compat.v1.train.Saver().restore" in str(verification)


def test_explain_takes_a_text_or_the_exception() -> None:
    message = "Assign requires shapes of both tensors to match. lhs shape= [4096,4096] rhs shape= [1,1,4096,4096]"
    for given in (message, ValueError(message)):
        explanation = ckptdoctor.explain(given)
        assert explanation.causes[0].code == "CKD201"
        assert str(explanation) == printed("explain", message).rstrip("\n")
        assert len(repr(explanation)) < 300
    with pytest.raises(ckptdoctor.UsageError, match="no restore error"):
        ckptdoctor.explain("all is well")


def test_an_uncaught_error_shows_its_next_step() -> None:
    import traceback

    with pytest.raises(ckptdoctor.CkptDoctorError) as caught:
        ckptdoctor.open("nowhere/at-all.ckpt")
    notes = getattr(caught.value, "__notes__", None)
    if notes is not None:
        assert "help: " in "".join(traceback.format_exception(caught.value))
