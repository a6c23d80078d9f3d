"""Names that differ, from the command line to what TensorFlow restores and computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app
from ckptdoctor.formats.locate import open_checkpoint

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
IMAGES = ["--input", "images:2x16x16x3"]
SLIM, KERAS = str(FIXTURES / "slim_vgg.py"), str(FIXTURES / "keras_vgg.py")


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def save(directory: Path, values: dict[str, np.ndarray]) -> str:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = {key: v1.Variable(value, use_resource=False) for key, value in values.items()}
        session.run(v1.global_variables_initializer())
        return str(v1.train.Saver(variables).save(session, str(directory / "model.ckpt"), write_meta_graph=False))


def values(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {key: rng.standard_normal(shape).astype(np.float32) * 0.2 for key, shape in shapes.items()}


@pytest.fixture(scope="module")
def slim_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    shapes = {
        "vgg/conv1/conv1_1": (3, 3, 3, 8),
        "vgg/conv1/conv1_2": (3, 3, 8, 8),
        "vgg/conv2/conv2_1": (3, 3, 8, 16),
        "vgg/conv2/conv2_2": (3, 3, 16, 16),
        "vgg/fc6": (4, 4, 16, 32),
        "vgg/fc7": (1, 1, 32, 32),
        "vgg/fc8": (1, 1, 32, 10),
    }
    weights = {f"{key}/weights": shape for key, shape in shapes.items()}
    biases = {f"{key}/biases": shape[-1:] for key, shape in shapes.items()}
    return save(tmp_path_factory.mktemp("slim"), values(weights | biases))


def test_slim_to_keras_and_back_computes_the_same(slim_checkpoint: str, tmp_path: Path) -> None:
    keras, back = tmp_path / "keras.ckpt", tmp_path / "back.ckpt"
    found = json.loads(run("diff", KERAS, slim_checkpoint, "--format", "json", code=1))
    assert {item["name"] for item in found["diagnostics"]} <= {"naming-dialect", "conv-for-dense", "matched-by-shape"}
    assert found["summary"]["missing"] == found["summary"]["unexpected"] == 0
    run("convert", slim_checkpoint, keras, "--graph", KERAS)
    run("diff", KERAS, keras)
    same = ["--same-as", SLIM, slim_checkpoint, *IMAGES]
    assert "difference" in run("verify", keras, "--graph", KERAS, *same)
    run("convert", keras, back, "--graph", SLIM, *IMAGES, "--unsafe")  # a file does not say how its rows were flattened
    run("diff", SLIM, back, *IMAGES)
    assert "difference" in run("verify", back, "--graph", SLIM, "--same-as", KERAS, keras, *IMAGES)
    one, other = open_checkpoint(slim_checkpoint), open_checkpoint(str(back))
    assert dict(one.inventory.entries) == dict(other.inventory.entries)
    assert all(np.array_equal(one.read(key), other.read(key)) for key in one.inventory.entries)


def test_a_person_decides_with_patterns_and_a_map(slim_checkpoint: str, tmp_path: Path) -> None:
    output = tmp_path / "renamed.ckpt"
    run("convert", slim_checkpoint, output, "--rename", "^vgg/=net/", "--rename", "weights$=kernel")
    keys = set(open_checkpoint(str(output)).inventory.entries)
    assert "net/conv1/conv1_1/kernel" in keys
    assert not any(key.startswith("vgg/") for key in keys)
    names = tmp_path / "names.txt"
    names.write_text("# stored wanted\nvgg/fc6/weights vgg/fc7/weights\nvgg/fc7/weights vgg/fc6/weights\n")
    swapped = tmp_path / "swapped.ckpt"
    run("convert", slim_checkpoint, swapped, "--map", names)
    one, other = open_checkpoint(slim_checkpoint), open_checkpoint(str(swapped))
    assert np.array_equal(one.read("vgg/fc6/weights"), other.read("vgg/fc7/weights"))
    assert np.array_equal(one.read("vgg/fc7/weights"), other.read("vgg/fc6/weights"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rename", "("], "--rename '('"),
        (["--rename", "nothing=x"], "matches no key"),
        (["--rename", "weights$|biases$=x"], "would both become"),
        (["--rename", "fc6/weights=fc7/weights"], "exists already"),
        (["--rename", "(vgg)=\\2"], "invalid group reference"),
        (["--map", "absent.txt"], "absent.txt"),
        (["--ema"], "holds no moving averages"),
    ],
)
def test_what_cannot_be_renamed_is_said(slim_checkpoint: str, tmp_path: Path, options: list[str], said: str) -> None:
    output = run("convert", slim_checkpoint, tmp_path / "x.ckpt", *options, code=2)
    assert said in " ".join(output.split())
    assert not list(tmp_path.iterdir())


def test_averages_take_the_place_of_variables(tmp_path: Path) -> None:
    stored = values({"a/w": (3, 4), "a/w/ExponentialMovingAverage": (3, 4), "a/b": (4,), "global_step": ()})
    checkpoint = save(tmp_path, stored)
    graph = tmp_path / "graph.py"
    graph.write_text('import tensorflow.compat.v1 as tf\ntf.get_variable("a/w", [3, 4])\ntf.get_variable("a/b", [4])\n')
    run("convert", checkpoint, tmp_path / "ema.ckpt", "--ema", "--graph", graph)
    made = open_checkpoint(str(tmp_path / "ema.ckpt"))
    assert set(made.inventory.entries) == {"a/w", "a/b", "global_step"}
    assert np.array_equal(made.read("a/w"), stored["a/w/ExponentialMovingAverage"])
    assert "every checksum holds" in run("verify", tmp_path / "ema.ckpt", "--graph", graph)


def test_renumbered_layers_are_put_back(tmp_path: Path) -> None:
    shapes = {"conv2d": (3, 3, 3, 4), "conv2d_1": (3, 3, 4, 8), "conv2d_2": (3, 3, 8, 16)}
    other = {"conv2d": "conv2d_2", "conv2d_1": "conv2d", "conv2d_2": "conv2d_1"}
    stored = values({f"{other[name]}/kernel": shape for name, shape in shapes.items()})
    checkpoint = save(tmp_path, stored)
    graph = tmp_path / "graph.py"
    lines = [f'tf.get_variable("{name}/kernel", {list(shape)})' for name, shape in shapes.items()]
    graph.write_text("\n".join(["import tensorflow.compat.v1 as tf", *lines]))
    assert "CKD104" in run("diff", graph, checkpoint, code=1)
    run("convert", checkpoint, tmp_path / "fit.ckpt", "--graph", graph)
    run("diff", graph, tmp_path / "fit.ckpt")
    made = open_checkpoint(str(tmp_path / "fit.ckpt"))
    for name, old in other.items():
        assert np.array_equal(made.read(f"{name}/kernel"), stored[f"{old}/kernel"])


def test_the_purpose_decides_what_is_advised_first(tmp_path: Path) -> None:
    checkpoint = save(tmp_path, values({"a/w": (3, 4), "logits/w": (4, 7), "logits/b": (7,)}))
    graph = tmp_path / "graph.py"
    lines = [f'tf.get_variable("{key}", {list(shape)})' for key, shape in
             {"a/w": (3, 4), "logits/w": (4, 5), "logits/b": (5,)}.items()]  # fmt: skip
    graph.write_text("\n".join(["import tensorflow.compat.v1 as tf", *lines]))
    found = {}
    for purpose in ("finetune", "inference"):
        data = json.loads(run("diff", graph, checkpoint, "--for", purpose, "--format", "json", code=1))
        assert data["random"] == ["logits"]
        found[purpose] = [remedy["title"] for remedy in data["diagnostics"][0]["remedies"]]
    assert "leave logits out" in found["finetune"][0]
    assert "build the graph for 7 classes" in found["inference"][0]
    assert any("would leave it random" in title for title in found["inference"])
