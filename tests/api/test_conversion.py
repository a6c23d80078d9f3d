"""`convert` from Python: the options of the command with Python's types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from typer.testing import CliRunner

import ckptdoctor
from ckptdoctor.cli.app import app
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"
V1 = FIXTURES / "classifier.ckpt"
KERNEL, BIAS = np.arange(2 * 2 * 3 * 4, dtype=np.float32).reshape(2, 2, 3, 4), np.arange(4, dtype=np.float32)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    values = {"net/fc6/weights": KERNEL, "net/fc6/biases": BIAS, "other/weights": KERNEL + 100, "step": np.int64(3)}
    ckptdoctor.save(tmp_path / "source.npz", values)
    return tmp_path / "source.npz"


def values(path: Path) -> dict[str, np.ndarray]:
    with ckptdoctor.open(path) as ckpt:
        return {key: tensor[...] for key, tensor in ckpt.items()}


def test_the_examples_convert(source: Path, tmp_path: Path) -> None:
    receipt = ckptdoctor.convert(source, tmp_path / "dense.npz", conv_to_dense=True, only="net/fc*")
    assert receipt.files == (tmp_path / "dense.npz",)
    assert receipt.changed == 1
    found = values(tmp_path / "dense.npz")
    assert found["net/fc6/weights"].tolist() == KERNEL.reshape(12, 4).tolist()
    assert found["other/weights"].shape == (2, 2, 3, 4)
    ckptdoctor.convert(
        tmp_path / "dense.npz", tmp_path / "conv.npz", dense_to_conv=True, kernel=(2, 2), only=["net/fc6/*"]
    )
    assert values(tmp_path / "conv.npz")["net/fc6/weights"].tolist() == KERNEL.tolist()


def test_it_fits_the_graph_and_tensorflow_restores_it(tmp_path: Path) -> None:
    graph = FIXTURES / "conv.py"
    images = {"images": (1, 4, 4, 1)}
    dense = ckptdoctor.convert(V1, tmp_path / "dense.ckpt", graph=FIXTURES / "dense.py", inputs=images)
    assert dense.changed
    with ckptdoctor.open(tmp_path / "dense.ckpt") as ckpt:
        assert ckptdoctor.diff(FIXTURES / "dense.py", ckpt, inputs=images).fits
        ckptdoctor.convert(ckpt, tmp_path / "conv.ckpt", graph=graph, inputs=images, unsafe=True)
    assert ckptdoctor.verify(tmp_path / "conv.ckpt", graph, inputs=images).proved
    original, back = values(V1), values(tmp_path / "conv.ckpt")
    assert {key: back[key].tolist() for key in back} == {key: original[key].tolist() for key in back}


def test_a_live_model_is_made_fit(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((12,)), keras.layers.Dense(4, name="fc6")])
    kernel = KERNEL.reshape(12, 4)
    ckptdoctor.save(tmp_path / "old.npz", {"net/fc6/weights": kernel, "net/fc6/biases": BIAS})
    for name in ("new.h5", "new.weights.h5"):
        ckptdoctor.convert(tmp_path / "old.npz", tmp_path / name, graph=model, unsafe=True)
        for weight in model.weights:
            weight.assign(weight * 0)
        model.load_weights(tmp_path / name)
        assert [weight.numpy().tolist() for weight in model.weights] == [kernel.tolist(), BIAS.tolist()]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rename": {"^net/": "tower/"}}, ["--rename", "^net/=tower/"]),
        ({"rename": [("weights$", "kernel"), "biases$=bias"]}, ["--rename", "weights$=kernel", "--rename", "biases$=bias"]),
        ({"map": {"step": "global_step"}}, ["--rename", "^step$=global_step"]),
        ({"dtype": np.float16}, ["--dtype", "float16"]),
        ({"dtype": np.dtype("float64")}, ["--dtype", "float64"]),
        ({"dtype": ml_dtypes.bfloat16, "to": "safetensors"}, ["--dtype", "bfloat16", "--to", "safetensors"]),
        ({"kernels": ("theano", "tensorflow"), "only": "other/*"}, ["--kernels", "theano:tensorflow", "--only", "other/*"]),
        ({"partition": {"*/biases": 2}, "to": "tensor-bundle"}, ["--partition", "*/biases=2", "--to", "tensor-bundle"]),
        ({"partition": {"other/*": (3, 2)}, "to": "tensor-bundle"}, ["--partition", "other/*=3@2", "--to", "tensor-bundle"]),
        ({"max_shard_size": 200, "to": "tensor-bundle"}, ["--max-shard-size", "200", "--to", "tensor-bundle"]),
        ({"input_channels": 1, "only": "net/fc6/weights"}, ["--input-channels", "1", "--only", "net/fc6/weights"]),
    ],
    ids=str,
)  # fmt: skip
def test_an_option_does_what_the_commands_does(
    options: dict[str, Any], words: list[str], source: Path, tmp_path: Path
) -> None:
    (tmp_path / "python").mkdir()
    (tmp_path / "command").mkdir()
    ckptdoctor.convert(source, tmp_path / "python" / "out", **{"to": "npz", **options})
    target = [] if "--to" in words else ["--to", "npz"]
    result = CliRunner().invoke(app, ["convert", str(source), str(tmp_path / "command" / "out"), *words, *target])
    assert result.exit_code == 0, result.output
    written = {path.name: path.read_bytes() for path in (tmp_path / "python").iterdir()}
    assert written.keys() == {path.name for path in (tmp_path / "command").iterdir()}
    found, expected = values(tmp_path / "python" / "out"), values(tmp_path / "command" / "out")
    assert found.keys() == expected.keys()
    assert all(found[key].tobytes() == expected[key].tobytes() for key in expected)
    unchanged = values(source)
    changed = found.keys() != unchanged.keys() or any(
        found[key].shape != unchanged[key].shape or found[key].dtype != unchanged[key].dtype for key in found
    )
    assert changed or "kernels" in options or "tensor-bundle" in options.values()


def test_a_map_may_let_two_keys_change_places(source: Path, tmp_path: Path) -> None:
    ckptdoctor.convert(
        source, tmp_path / "o.npz", map={"net/fc6/weights": "other/weights", "other/weights": "net/fc6/weights"}
    )
    found = values(tmp_path / "o.npz")
    assert found["other/weights"].tolist() == KERNEL.tolist()
    assert found["net/fc6/weights"].tolist() == (KERNEL + 100).tolist()


def test_a_keras_file_keeps_its_order_without_a_graph(tmp_path: Path) -> None:
    """Keras loads the file by position: `bias` must not come before `kernel` because it sorts so."""
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="b"), keras.layers.Dense(3, name="a")])
    for number, weight in enumerate(model.weights):
        weight.assign(np.arange(weight.numpy().size, dtype=np.float32).reshape(weight.shape) + number * 10)
    expected = [weight.numpy().tolist() for weight in model.weights]
    model.save(tmp_path / "old.h5")
    ckptdoctor.convert(tmp_path / "old.h5", tmp_path / "new.h5")
    for weight in model.weights:
        weight.assign(weight * 0)
    model.load_weights(tmp_path / "new.h5")
    assert [weight.numpy().tolist() for weight in model.weights] == expected


def test_a_plan_is_shown_saved_and_undone_and_nothing_is_written_before_it_runs(source: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    conversion = ckptdoctor.plan_conversion(source, tmp_path / "out.npz", conv_to_dense=True, only="net/*", plan=plan)
    assert "reshape net/fc6/weights  [2,2,3,4] -> [12,4]" in str(conversion)
    assert len(repr(conversion)) < 400
    assert [op.key for op in conversion.plan.ops] == ["net/fc6/weights"]
    assert {path.name for path in tmp_path.iterdir()} == {"source.npz", "plan.toml"}
    conversion.run()
    ckptdoctor.convert(tmp_path / "out.npz", tmp_path / "back.npz", plan=plan, undo=True)
    found, expected = values(tmp_path / "back.npz"), values(source)
    assert {key: array.tolist() for key, array in found.items()} == {key: a.tolist() for key, a in expected.items()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"conv_to_dense": True, "dense_to_conv": True}, "undo each other"),
        ({"only": "net/*"}, "--only belongs to"),
        ({"kernel": (0, 7), "dense_to_conv": True}, "is not HxW"),
        ({"kernel": (7,), "dense_to_conv": True}, "is not HxW"),
        ({"max_shard_size": "many"}, "is no size"),
        ({"max_shard_size": -1}, "is no size"),
        ({"optimizer": "forget"}, "neither keep nor drop"),
        ({"rename": "a=b"}, "rename is one string"),
        ({"rename": {"(": "b"}}, "unterminated"),
        ({"rename": {"nothing": "b"}}, "matches no key"),
        ({"map": {"nothing": "b"}}, "the map names nothing"),
        ({"to": "pickle"}, "cannot be written"),
        ({"dtype": "int8"}, "no floating-point type"),
        ({"only": "net/fc7/*", "conv_to_dense": True}, "matches no key"),
        ({"undo": True}, "a plan that was saved"),
        ({"plan": "missing.toml"}, "missing.toml"),
        ({"graph": 3}, "is no graph"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_refused(options: dict[str, Any], message: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(ckptdoctor.UsageError, match=message) as caught:
        ckptdoctor.convert(source, tmp_path / "out.ckpt", **options)
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["source.npz"]


def test_an_unknown_option_is_a_type_error(source: Path) -> None:
    with pytest.raises(TypeError, match="conv_to_dens"):
        ckptdoctor.convert(source, "out", conv_to_dens=True)  # type: ignore[call-arg]


def test_a_receipt_counts_tensors_that_changed_and_that_were_left_out(tmp_path: Path) -> None:
    arrays = {f"net/{name}": np.arange(4.0) + number for number, name in enumerate("abcd")}
    ckptdoctor.save(tmp_path / "a.npz", arrays)
    receipt = ckptdoctor.convert(tmp_path / "a.npz", tmp_path / "b.npz", rename=[("^net/", "other/")])
    assert (receipt.tensors, receipt.changed, receipt.left_out) == (4, 4, 0)
    ckptdoctor.save(tmp_path / "c.npz", arrays | {"net/a/Adam": np.zeros(4)})
    receipt = ckptdoctor.convert(tmp_path / "c.npz", tmp_path / "d.npz", optimizer="drop")
    assert (receipt.tensors, receipt.changed, receipt.left_out) == (4, 0, 1)


def test_a_receipt_names_what_only_an_unsafe_remedy_would_convert(tmp_path: Path) -> None:
    images = {"images": (1, 4, 4, 1)}
    dense = tmp_path / "dense.ckpt"
    ckptdoctor.convert(V1, dense, graph=FIXTURES / "dense.py", inputs=images)
    graph = FIXTURES / "conv.py"
    left = ckptdoctor.convert(dense, tmp_path / "left.ckpt", graph=graph, inputs=images).unresolved
    assert left
    assert "unresolved" in repr(ckptdoctor.convert(dense, tmp_path / "again.ckpt", graph=graph, inputs=images))
    whole = ckptdoctor.convert(dense, tmp_path / "whole.ckpt", graph=graph, inputs=images, unsafe=True)
    assert whole.unresolved == ()
    assert whole.fits
