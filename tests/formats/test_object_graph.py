"""TensorFlow 2's checkpoints by objects: what TensorFlow writes is described, and what is written it restores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.formats.object_graph import decode_objects, encode_objects
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY
from tests.conftest import SHARED

REAL = SHARED / "real"

PROGRAM = """
import keras
import tensorflow as tf

model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="first"),
                          keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(2)])
optimizer = keras.optimizers.Adam()
optimizer.build(model.trainable_variables)
step = tf.Variable(7, dtype=tf.int64)
saved = tf.train.Checkpoint({arguments})
"""


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def build(path: Path, arguments: str) -> dict[str, Any]:
    path.write_text(PROGRAM.format(arguments=arguments))
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text(), path, "exec"), namespace)
    return namespace


def fill(items: Any) -> None:
    rng = np.random.default_rng(1)
    for item in items:
        if str(item.dtype).endswith("float32'>") or item.dtype == "float32":
            item.assign(rng.standard_normal(item.shape).astype(np.float32))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    directory = tmp_path_factory.mktemp("objects")
    program = build(directory / "net.py", "net=model, optimizer=optimizer, step=step")
    fill([*program["model"].weights, *program["optimizer"].variables])
    program["saved"].save(str(directory / "net"))
    return directory, program


def _object_checkpoints() -> list[str]:
    if not REAL.is_dir():
        return []
    found = []
    for index in sorted(REAL.rglob("*.index")):
        name = str(index.relative_to(REAL)).removesuffix(".index")
        try:
            checkpoint = open_checkpoint(str(REAL / name))
            if checkpoint.inventory.objects is not None:
                found.append(name)
        except Exception:
            continue
    return found


@pytest.mark.parametrize("name", _object_checkpoints())
def test_every_object_of_real_checkpoints_comes_back(name: str) -> None:
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    data = bytes(open_checkpoint(str(REAL / name)).read(OBJECT_GRAPH_KEY).reshape(-1)[0])
    again = encode_objects(decode_objects(data))
    theirs, ours = (trackable_object_graph_pb2.TrackableObjectGraph.FromString(item) for item in (data, again))
    for node in (*theirs.nodes, *ours.nodes):
        node.ClearField("has_checkpoint_values")  # older versions of TensorFlow do not write it
        for attribute in node.attributes:
            attribute.ClearField("optional_restore") if hasattr(attribute, "optional_restore") else None
        node.ClearField("registered_saver")
    assert theirs == ours


def test_what_tensorflow_writes_is_written_to_the_byte(saved: tuple[Path, dict[str, Any]]) -> None:
    directory, _ = saved
    data = bytes(open_checkpoint(str(directory / "net-1")).read(OBJECT_GRAPH_KEY).reshape(-1)[0])
    assert encode_objects(decode_objects(data)) == data


def test_a_variable_is_shown_through_the_model_and_once(saved: tuple[Path, dict[str, Any]]) -> None:
    directory, program = saved
    entries = open_checkpoint(str(directory / "net-1")).inventory.entries.values()
    kernel = next(entry for entry in entries if entry.name.endswith("first/kernel"))
    assert kernel.path == "net/_functional/_operations/1/_kernel"
    slots = {entry.slot: entry for entry in entries if entry.owner == kernel.key}
    assert set(slots) == {"momentums", "velocities"}
    stored = open_checkpoint(str(directory / "net-1")).read(slots["velocities"].key)
    expected = next(item for item in program["optimizer"].variables if item.path.endswith("first_kernel_velocity"))
    assert np.array_equal(stored, np.asarray(expected))
    output = run("inspect", directory / "net-1")
    assert output.count("first/kernel") == 1
    assert "velocities" in output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("net=model, optimizer=optimizer, step=step", "get the value that is meant."),
        ("net=model", "get the value that is meant."),
        ("other=model", "8 keep their own"),
    ],
)
def test_a_program_with_a_checkpoint_is_restored_as_tensorflow_does(
    arguments: str, said: str, saved: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    directory, original = saved
    program = build(tmp_path / "graph.py", arguments)
    fits = "keep" not in said
    output = run("diff", tmp_path / "graph.py", directory / "net-1", code=0 if fits else 1)
    assert said in " ".join(output.split())
    program["saved"].restore(str(directory / "net-1")).expect_partial()
    same = [np.array_equal(a, b) for a, b in zip(program["model"].weights, original["model"].weights, strict=True)]
    assert all(same) == fits


def test_a_model_is_found_under_another_name(saved: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    directory, _ = saved
    graph = tmp_path / "graph.py"
    graph.write_text(PROGRAM.partition("optimizer =")[0])
    assert "With `tf.train.Checkpoint(net=model).restore(path)` all" in " ".join(
        run("diff", graph, directory / "net-1").split()
    )
    assert "ok 8 of 8 variables hold the stored values" in run("verify", directory / "net-1", "--graph", graph)


def test_a_whole_program_is_written_with_its_optimizer(saved: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    directory, original = saved
    run("convert", directory / "net-1", tmp_path / "flat.npz")
    program = build(tmp_path / "graph.py", "model=model, optimizer=optimizer, step=step")
    run("convert", directory / "net-1", tmp_path / "moved", "--graph", tmp_path / "graph.py", "--unsafe")
    status = program["saved"].restore(str(tmp_path / "moved"))
    status.assert_consumed()
    for mine, theirs in zip(program["model"].weights, original["model"].weights, strict=True):
        assert np.array_equal(mine, theirs)
    for mine, theirs in zip(program["optimizer"].variables, original["optimizer"].variables, strict=True):
        assert np.array_equal(mine, theirs)
    assert int(program["step"]) == 7


def test_a_module_of_plain_variables(tmp_path: Path) -> None:
    import tensorflow as tf

    source = (
        "import tensorflow as tf\nclass Net(tf.Module):\n    def __init__(self):\n"
        "        self.w = tf.Variable(tf.zeros([3, 4]), name='w')\n        self.parts = [tf.Variable(tf.zeros([4]))]\n"
        "net = Net()\n"
    )
    graph = tmp_path / "graph.py"
    graph.write_text(source)
    namespace: dict[str, Any] = {}
    exec(compile(source, graph, "exec"), namespace)
    fill(namespace["net"].variables)
    prefix = tf.train.Checkpoint(net=namespace["net"]).save(str(tmp_path / "net"))
    assert "With `tf.train.Checkpoint(net=model).restore(path)` all" in " ".join(run("diff", graph, prefix).split())
    assert "ok 2 of 2 variables hold the stored values" in run("verify", prefix, "--graph", graph)
    run("convert", prefix, tmp_path / "moved", "--graph", graph)
    expected = [value.numpy() for value in namespace["net"].variables]
    for value in namespace["net"].variables:
        value.assign(tf.zeros_like(value))
    tf.train.Checkpoint(model=namespace["net"]).restore(str(tmp_path / "moved")).assert_consumed()
    assert all(np.array_equal(a, b) for a, b in zip(namespace["net"].variables, expected, strict=True))


def test_a_saved_model_and_a_checkpoint_that_holds_it(tmp_path: Path) -> None:
    import tensorflow as tf

    net = tf.Module()
    net.w = tf.Variable(np.ones((2, 3), np.float32))
    net.inner = [tf.Variable(np.zeros(3, np.float32))]
    tf.saved_model.save(net, str(tmp_path / "saved"))
    prefix = tf.train.Checkpoint(net=net).save(str(tmp_path / "ck"))
    output = run("diff", tmp_path / "saved", prefix)
    assert "tf.train.Checkpoint(net=model).restore goes by objects" in " ".join(output.split())
    values = run("diff", prefix, tmp_path / "saved", "--values", code=1)  # the counter of saves is in one of them
    assert "2 equal, 0 close, 0 changed" in values
