"""One Keras model in each way that it can be saved: each becomes weights that Keras loads, with the same outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app

MODEL = "keras.applications.MobileNetV2(input_shape=(96, 96, 3), alpha=0.35, weights=None, classes=7)"
SOURCES = ("m.weights.h5", "m.weights.json", "m.keras", "legacy.h5", "objects/ck-1", "exported")


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def fits(printed: str) -> bool:
    """Whether every variable has its value; of a file's own graph no program says how it is loaded."""
    named = "Every variable has a value of its name, shape and type in this file."
    return "The checkpoint fits the graph." in printed or named in printed


def build() -> Any:
    import keras

    return eval(MODEL, {"keras": keras})


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    import tensorflow as tf

    directory = tmp_path_factory.mktemp("keras")
    (directory / "graph.py").write_text(f"import keras\nmodel = {MODEL}\n")
    model = build()
    rng = np.random.default_rng(0)
    model.set_weights([np.abs(rng.standard_normal(w.shape)).astype(np.float32) * 0.1 + 0.01 for w in model.weights])
    model.save_weights(directory / "m.weights.h5")
    model.save_weights(directory / "m.weights.json", max_shard_size=0.0006)
    model.save(directory / "m.keras")
    model.save(directory / "legacy.h5")
    tf.train.Checkpoint(model=model).save(str(directory / "objects/ck"))
    model.export(directory / "exported", verbose=False)
    return directory, model


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("target", ["weights.h5", "h5", "weights.json", "keras"])
def test_keras_loads_what_is_made(source: str, target: str, saved: tuple[Path, Any], tmp_path: Path) -> None:
    import keras

    directory, model = saved
    made = tmp_path / f"made.{target}"
    shards = ["--max-shard-size", "700kB"] if target.endswith("json") else []
    run("convert", directory / source, made, "--graph", directory / "graph.py", *shards)
    if shards:
        assert len(list(tmp_path.glob("made_*.weights.h5"))) > 1
    if target == "keras":
        again = keras.models.load_model(made)
    else:
        again = build()
        again.load_weights(made)
    image = np.full((1, 96, 96, 3), 0.3, np.float32)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    assert np.array_equal(np.asarray(model(image)), np.asarray(again(image)))


@pytest.mark.parametrize("source", ["m.keras", "objects/ck-1"])
def test_a_checkpoint_by_name_is_one_that_keras_does_not_load(
    source: str, saved: tuple[Path, Any], tmp_path: Path
) -> None:
    directory, _ = saved
    graph = directory / "graph.py"
    written = run("convert", directory / source, tmp_path / "named.ckpt", "--graph", graph, "--by-name")
    assert "not proved: Keras's load_weights reads no TensorFlow checkpoint" in written
    assert "no-object-graph" in run("diff", graph, tmp_path / "named.ckpt", code=1)
    verified = run("verify", tmp_path / "named.ckpt", "--graph", graph, code=1)
    assert "reads no TensorFlow checkpoint" in verified


@pytest.mark.parametrize("source", SOURCES)
def test_a_checkpoint_by_objects_is_consumed(source: str, saved: tuple[Path, Any], tmp_path: Path) -> None:
    import tensorflow as tf

    directory, model = saved
    graph = directory / "graph.py"
    run("convert", directory / source, tmp_path / "objects.ckpt", "--graph", graph)
    again = build()
    status = tf.train.Checkpoint(model=again).restore(str(tmp_path / "objects.ckpt"))
    status.assert_consumed()
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
    assert fits(run("diff", graph, tmp_path / "objects.ckpt"))
    verified = run("verify", tmp_path / "objects.ckpt", "--graph", graph)
    count = len(model.weights)
    assert f"ok {count} of {count} variables hold the stored values" in verified
    assert "assert_consumed" not in verified


@pytest.mark.parametrize("source", ["m.weights.h5", "m.keras", "legacy.h5"])
def test_keras_files_fit_their_model(source: str, saved: tuple[Path, Any]) -> None:
    directory, _ = saved
    assert fits(run("diff", directory / "graph.py", directory / source))


def test_another_head_is_a_class_count(saved: tuple[Path, Any], tmp_path: Path) -> None:
    directory, _ = saved
    graph = tmp_path / "graph.py"
    graph.write_text(f"import keras\nmodel = {MODEL}\n".replace("classes=7", "classes=4"))
    output = run("diff", graph, directory / "m.weights.h5", code=1)
    assert "CKD204" in output
    assert "the checkpoint's last layer has 7 outputs, the graph's has 4." in output


def test_weights_need_a_model(saved: tuple[Path, Any], tmp_path: Path) -> None:
    directory, _ = saved
    output = run("convert", directory / "objects/ck-1", tmp_path / "x.weights.h5", code=2)
    assert "--graph" in output


def test_a_keras_file_is_its_own_graph(saved: tuple[Path, Any], tmp_path: Path) -> None:
    import keras

    directory, model = saved
    run("convert", directory / "objects/ck-1", tmp_path / "a.keras", "--graph", directory / "m.keras")
    run("convert", directory / "m.keras", tmp_path / "b.keras")
    run("convert", directory / "m.weights.json", tmp_path / "c.weights.h5")
    for again in (
        keras.models.load_model(tmp_path / "a.keras"),
        keras.models.load_model(tmp_path / "b.keras"),
        build(),
    ):
        if not again.built or not np.array_equal(again.get_weights()[0], model.get_weights()[0]):
            again.load_weights(tmp_path / "c.weights.h5")
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))


def test_a_missing_shard_of_keras_is_named(saved: tuple[Path, Any], tmp_path: Path) -> None:
    directory, _ = saved
    for path in directory.glob("m*.weights.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard = sorted(tmp_path.glob("m_*.weights.h5"))[1]
    shard.unlink()
    assert f"missing {shard.name}" in run("inspect", tmp_path / "m.weights.json", code=3)


def test_a_base_within_another_model_is_not_where_keras_looks(saved: tuple[Path, Any], tmp_path: Path) -> None:
    """`load_weights(skip_mismatch=True)` would skip everything without an error; the conversion puts it in its place."""
    import keras

    directory, model = saved
    text = (
        "import keras\n"
        "base = keras.applications.MobileNetV2(\n"
        "    input_shape=(96, 96, 3), alpha=0.35, weights=None, include_top=False, pooling='avg')\n"
        "model = keras.Sequential([keras.Input((96, 96, 3)), base, keras.layers.Dense(5, name='head')])\n"
    )
    graph = tmp_path / "fine.py"
    graph.write_text(text)
    output = run("diff", f"{graph}:model", directory / "m.weights.h5", code=1)
    assert "260 variables" in output
    assert "0 matched, 0 mismatched, 2 missing, 2 unexpected, 260 renamed" in output
    assert "cause: the graph has sequential/head, the checkpoint does not." in output
    made = tmp_path / "fitted.weights.h5"
    output = run("convert", directory / "m.weights.h5", made, "--graph", f"{graph}:model", code=1)
    assert "it does NOT fit yet: 2 of 262 variables" in output
    names: dict[str, Any] = {}
    exec(text, names)
    keras.backend.clear_session()
    names["model"].load_weights(made, skip_mismatch=True)
    loaded = {weight.path: np.asarray(weight) for weight in names["base"].weights}
    wanted = {weight.path: np.asarray(weight) for weight in model.weights if weight.path in loaded}
    assert len(wanted) == len(loaded) == 260
    assert all(np.array_equal(value, wanted[path]) for path, value in loaded.items())
