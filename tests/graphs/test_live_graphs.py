"""Live models, modules, checkpoints and savers as graphs: what the real frameworks save from them fits them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ckptdoctor
from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import diagnose
from ckptdoctor.errors import UsageError
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.live_graph import graph_of_live
from ckptdoctor.graphs.reading import read_graph
from ckptdoctor.specs.graph import GraphKind, GraphSpec


def unexplained(graph: GraphSpec, checkpoint: Path) -> list[str]:
    """What a diagnosis of a graph and a checkpoint finds wrong."""
    diagnosis = diagnose(align(graph, open_checkpoint(str(checkpoint)).inventory), graph.source)
    return [item.message for item in diagnosis.diagnostics if item.rule.severity == "error"]


def keras_model(classes: int = 5) -> Any:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Dense(classes, name="fc"),
        ]
    )


def test_a_live_keras_model_fits_the_file_that_it_saves(tmp_path: Path) -> None:
    import h5py

    model = keras_model()
    graph = graph_of_live(model)
    assert graph.kind is GraphKind.KERAS_MODEL
    model.save_weights(tmp_path / "w.weights.h5")
    assert unexplained(graph, tmp_path / "w.weights.h5") == []
    values = {weight.path: np.asarray(weight) for weight in model.weights}
    with h5py.File(tmp_path / "w.weights.h5") as file:
        for variable in graph.variables:
            assert file[variable.stored][()].tobytes() == values[variable.name].tobytes()
    assert [variable.trainable for variable in graph.variables if "moving" in variable.name] == [False, False]
    assert graph.config
    assert graph.keras_version


def test_a_live_keras_model_is_what_its_source_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "net.py").write_text(
        "import keras\nfrom keras import layers\n"
        "model = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3, name='conv'),\n"
        "    layers.BatchNormalization(name='norm'), layers.Flatten(), layers.Dense(5, name='fc')], name='net')\n"
    )
    namespace: dict[str, Any] = {}
    exec((tmp_path / "net.py").read_text(), namespace)
    live, traced = graph_of_live(namespace["model"]), read_graph("net.py")

    def comparable(graph: GraphSpec) -> list[Any]:
        return [(v.name, v.key, v.spec, v.trainable, v.consumer, v.stored, v.node) for v in graph.variables]

    assert comparable(live) == comparable(traced)
    assert live.objects == traced.objects
    assert (live.kind, live.wrapped, live.keras_version) == (traced.kind, traced.wrapped, traced.keras_version)


def test_a_live_keras_model_fits_its_object_checkpoint(tmp_path: Path) -> None:
    import tensorflow as tf

    model = keras_model()
    tf.train.Checkpoint(model=model).write(str(tmp_path / "ck"))
    assert unexplained(graph_of_live(model), tmp_path / "ck") == []


def test_another_number_of_classes_is_found(tmp_path: Path) -> None:
    keras_model(7).save_weights(tmp_path / "w.weights.h5")
    (message,) = unexplained(graph_of_live(keras_model(5)), tmp_path / "w.weights.h5")
    assert "7" in message
    assert "5" in message


def test_a_live_checkpoint_is_its_own_objects(tmp_path: Path) -> None:
    import tensorflow as tf

    root = tf.train.Checkpoint(net=keras_model(), step=tf.Variable(3, name="step"))
    root.write(str(tmp_path / "ck"))
    graph = graph_of_live(root)
    assert graph.kind is GraphKind.OBJECTS
    stored = {key for key, _ in tf.train.list_variables(str(tmp_path / "ck"))} - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    assert {variable.key for variable in graph.variables} == stored
    assert unexplained(graph, tmp_path / "ck") == []


def test_a_live_module_is_its_variables(tmp_path: Path) -> None:
    import tensorflow as tf

    class Net(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.w = tf.Variable(tf.ones([2, 3]), name="w")
            self.parts = [tf.Variable(tf.zeros([4]), name="b", trainable=False)]

    net = Net()
    graph = read_graph(net)
    assert {(v.name, v.spec.shape, v.trainable) for v in graph.variables} == {("w", (2, 3), True), ("b", (4,), False)}
    tf.train.Checkpoint(model=net).write(str(tmp_path / "ck"))
    assert unexplained(graph, tmp_path / "ck") == []


def test_a_live_saver_is_its_keys(tmp_path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        w = v1.get_variable("w", [4, 3])
        saver = v1.train.Saver({"renamed": w})
        session.run(v1.global_variables_initializer())
        saver.save(session, str(tmp_path / "ck"), write_meta_graph=False)
        graph = graph_of_live(saver)
    assert [(variable.name, variable.key) for variable in graph.variables] == [("w", "renamed")]
    assert unexplained(graph, tmp_path / "ck") == []


def test_what_has_no_variables_says_how_it_gets_them() -> None:
    import keras

    class Late(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc = keras.layers.Dense(2)

        def call(self, images: Any) -> Any:
            return self.fc(images)

    model = Late()
    with pytest.raises(UsageError, match="until it is called"):
        graph_of_live(model)
    model(np.zeros((1, 3), np.float32))
    assert [variable.spec.shape for variable in graph_of_live(model).variables] == [(3, 2), (2,)]


@pytest.mark.parametrize("item", [3, object(), ["a"], {"w": 1}])
def test_what_is_no_graph_is_refused(item: Any) -> None:
    with pytest.raises(UsageError, match="is no graph"):
        read_graph(item)


def test_nothing_is_imported_to_tell() -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom ckptdoctor.graphs.reading import read_graph\n"
        "class Model: pass\nModel.__module__ = 'keras.src.models.model'\n"
        "try:\n    read_graph(object())\nexcept Exception as error:\n    assert 'is no graph' in str(error), error\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_variables_without_names_are_told_by_their_objects(tmp_path: Path) -> None:
    import tensorflow as tf

    class Net(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = tf.Variable(tf.zeros((3, 4)))
            self.b = tf.Variable(2.5, dtype=tf.bfloat16)

    prefix = tf.train.Checkpoint(net=Net()).save(str(tmp_path / "net"))
    report = ckptdoctor.diff(Net(), prefix)
    assert report.fits, str(report)
    assert sorted(variable.name for variable in report.alignment.graph.variables) == ["a", "b"]
