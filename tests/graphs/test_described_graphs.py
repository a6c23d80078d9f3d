"""Graph sides that files describe: SavedModels, graph definitions, whole Keras models. Their own values must fit them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import ckptdoctor
from ckptdoctor.cli.app import app
from ckptdoctor.errors import FormatError
from ckptdoctor.graphs.reading import read_graph
from ckptdoctor.specs.graph import GraphKind
from tests.conftest import SHARED

REAL = SHARED / "real"


def run(*arguments: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def fits(printed: str) -> bool:
    """Whether every variable has its value; of a file's own graph no program says how it is loaded."""
    named = "Every variable has a value of its name, shape and type in this file."
    return "The checkpoint fits the graph." in printed or named in printed


def _real(*patterns: str) -> list[str]:
    if not REAL.is_dir():
        return []
    found = [path for pattern in patterns for path in REAL.rglob(pattern)]
    return sorted(str(path.relative_to(REAL)) for path in found if path.stat().st_size > 200)


@pytest.mark.parametrize("name", _real("saved_model.pb", "model_1.pb"))
def test_every_saved_model_fits_its_own_variables(name: str) -> None:
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    path = REAL / name
    graph = read_graph(str(path))
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    meta = model.meta_graphs[0]
    assert graph.kind is GraphKind.SAVED_MODEL
    listed = [note for note in graph.notes if note.startswith("Signature")]
    assert len(listed) == len([key for key in meta.signature_def if key != "__saved_model_init_op"])
    prefix = str(path.parent / "variables" / "variables")
    stored = {key: tuple(shape) for key, shape in tf.train.list_variables(prefix)}
    stored.pop("_CHECKPOINTABLE_OBJECT_GRAPH", None)
    if meta.object_graph_def.nodes:
        declared = [node.variable for node in meta.object_graph_def.nodes if node.HasField("variable")]
        names = {variable.name: variable.trainable for variable in graph.variables if variable.name}
        assert all(names[variable.name] in (True, False) for variable in declared if variable.name in names)
    found = {variable.key: variable.spec.shape for variable in graph.variables}
    assert all(stored.get(key, shape) == shape for key, shape in found.items())
    assert fits(run("diff", path, path.parent))


@pytest.mark.parametrize("name", _real("*.keras", "*_models/**/*.hdf5", "k3_churn/*.h5"))
def test_every_whole_keras_model_fits_its_own_weights(name: str) -> None:
    graph = read_graph(str(REAL / name))
    assert graph.kind is GraphKind.KERAS_MODEL
    assert fits(run("diff", REAL / name, REAL / name))
    if "nested" not in name:
        used = [variable.consumer.op for variable in graph.variables if variable.consumer]
        assert len(used) == len(graph.variables)
        assert {"Conv2D", "MatMul", "BatchNormalization", "SeparableConv2D", "LSTM", "Embedding"} & set(used)


@pytest.fixture(scope="module")
def keras_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    directory = tmp_path_factory.mktemp("described")
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((6, 6, 4)), layers.Conv2D(5, 3, padding="same", name="deep")], name="inner")
    x = layers.Conv2D(4, 3, strides=2, padding="valid", name="shallow", trainable=False)(image)
    x = layers.ZeroPadding2D(((1, 2), (1, 2)))(x)
    x = inner(x)
    x = layers.Flatten()(layers.MaxPooling2D(2)(x))
    x = layers.Dense(7, name="one")(layers.Dropout(0.5)(x))
    model = keras.Model(image, layers.Dense(2, name="two")(x))
    for suffix in ("keras", "h5"):
        model.save(directory / f"model.{suffix}")
    return directory


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_keras_model_says_what_uses_its_weights(suffix: str, keras_files: Path) -> None:
    graph = read_graph(str(keras_files / f"model.{suffix}"))
    by_name = {variable.name: variable for variable in graph.variables}
    shallow = next(v for name, v in by_name.items() if name.endswith("shallow/kernel"))
    assert shallow.consumer
    assert (shallow.consumer.op, shallow.consumer.padding, shallow.consumer.strides) == ("Conv2D", "VALID", (2, 2))
    assert not shallow.trainable
    dense = next(v for name, v in by_name.items() if name.endswith("one/kernel"))
    assert dense.consumer
    assert dense.consumer.op == "MatMul"
    assert dense.consumer.producer == "Flatten"
    if suffix == "keras":
        assert dense.consumer.flattened == (-1, 3, 3, 5)
    order = [name.rpartition("/")[0].rpartition("/")[2] for name in by_name]
    assert list(dict.fromkeys(order)) == ["shallow", "deep", "one", "two"]


def test_lambdas_are_named_and_not_run(keras_files: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(keras_files / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    evil = {"class_name": "Lambda", "config": {"name": "evil", "function": ["gASVIAAA", None, None]}}
    config["config"]["layers"].append(evil)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "lambda.keras", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    output = run("diff", tmp_path / "lambda.keras", keras_files / "model.keras")
    assert "Its Lambda layers are not run: evil." in output
    members["config.json"] = b'{"config": 3}'
    with zipfile.ZipFile(tmp_path / "broken.keras", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(FormatError, match="model configuration"):
        read_graph(str(tmp_path / "broken.keras"))


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("resource", [False, True])
def test_a_graph_definition_is_compared_or_is_its_constants(text: bool, resource: bool, tmp_path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4], name="x")
        with v1.variable_scope("net"):
            w = v1.get_variable("w", initializer=np.arange(12, dtype=np.float32).reshape(4, 3), use_resource=resource)
        tf.identity(tf.matmul(x, w), name="y")
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "ck"), write_meta_graph=False)
        v1.train.write_graph(graph.as_graph_def(), str(tmp_path), "graph", as_text=text)
        frozen = v1.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
        v1.train.write_graph(frozen, str(tmp_path), "frozen", as_text=text)
    found = read_graph(str(tmp_path / "graph"))
    assert found.kind is GraphKind.GRAPH_DEF
    assert fits(run("diff", tmp_path / "graph", tmp_path / "ck"))
    assert "variables, whose values are in a checkpoint" in run("inspect", tmp_path / "graph", code=3)
    constants = ckptdoctor.open(tmp_path / "frozen")
    assert constants["net/w"][...].tolist() == np.arange(12, dtype=np.float32).reshape(4, 3).tolist()
