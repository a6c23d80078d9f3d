"""Every remedy for a Keras model and a file that does not fit it: the model is built, and the line is run."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.reading import open_graph
from tests.conftest import COUNTED
from tests.remedies.harness import Programs, run_command, values_in
from tests.remedies.values import own_value, stored_value

GRAPH = """
import keras
from keras import layers

def build(classes=5, backbone="plain", size=8):
    entry = keras.Input((6, 6, 2), name="entry")
    x = layers.Conv2D(4, 3, name="first")(entry)
    if backbone == "plain":
        x = layers.Conv2D(4, 1, name="second")(x)
        x = layers.BatchNormalization(name="norm")(x)
    elif backbone == "wide":
        x = layers.Conv2D(7, 1, name="wide")(x)
        x = layers.Conv2D(7, 1, name="wider")(x)
        x = layers.Conv2D(4, 1, name="second")(x)
        x = layers.BatchNormalization(name="norm")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(size, name="body")(x)
    x = layers.Dense(classes, name="head")(x) if classes else x
    return keras.Model(entry, x, name="net")
"""
FILL = "for v in model.weights:\n    v.assign(stored_value(v.path, v.shape, v.dtype))\n"
LEGACY = """
import h5py
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
with h5py.File("model.h5", "w") as file:
    save_weights_to_hdf5_group(file, model)
"""
BUNDLE = """
keys = [v.path.replace("kernel", "weights").replace("bias", "biases") for v in model.weights]
tf.raw_ops.SaveV2(
    prefix="model.ckpt", tensor_names=keys, shape_and_slices=[""] * len(keys), tensors=[v.numpy() for v in model.weights])
"""
SITUATIONS = {
    "another head, weights.h5": ({"classes": 7}, "model.weights.h5", "model.save_weights('model.weights.h5')"),
    "another head, keras": ({"classes": 7}, "model.keras", "model.save('model.keras')"),
    "another head, h5": ({"classes": 7}, "model.h5", LEGACY),
    "another backbone, h5": ({"backbone": "wide"}, "model.h5", LEGACY),
    "another head, slim's names": ({"classes": 7}, "model.ckpt", BUNDLE),
    "another head, npz": ({"classes": 7}, "model.npz", "np.savez('model.npz', **{v.path: v.numpy() for v in model.weights})"),
    "another head, objects": ({"classes": 7}, "model.ckpt-1", "tf.train.Checkpoint(model=model).save('model.ckpt')"),
    "objects under another name": (
        {"classes": 7}, "model.ckpt-1", "tf.train.Checkpoint(**{'layer_with_weights-0': model}).save('model.ckpt')"
    ),
    "no head, h5": ({"classes": 0}, "model.h5", LEGACY),
    "no head, weights.h5": ({"classes": 0}, "model.weights.h5", "model.save_weights('model.weights.h5')"),
    "a body of another size, h5": ({"size": 9}, "model.h5", LEGACY),
}  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the model is, one for all situations: a trace is kept for its directory."""
    path = tmp_path_factory.mktemp("keras")
    (path / "graph.py").write_text(GRAPH)
    return path


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_is_printed_for_a_model_does_what_it_says(
    situation: str, programs: Programs, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(directory)
    for old in Path().glob("model*"):
        old.unlink()
    arguments, file, save = SITUATIONS[situation]
    stored = _run(programs, f"{FILL}\n{save}", arguments)
    for name, value in stored.items():
        np.testing.assert_array_equal(value, stored_value(name, value.shape, "float32"))
    target = _run(programs, "")
    graph, _ = open_graph("graph.py:build")
    diagnosis = diagnose(align(graph, open_checkpoint(file).inventory), "graph.py:build")
    assert diagnosis.diagnostics
    tried = [_try(remedy, file, programs, stored, target) for remedy in _remedies(diagnosis)]
    assert any(tried), [str(remedy) for remedy in _remedies(diagnosis)]


def _remedies(diagnosis: Diagnosis) -> list[Remedy]:
    """Each once, in the order in which they are printed."""
    printed = {remedy.said: remedy for finding in diagnosis.diagnostics for remedy in finding.remedies if remedy.paste}
    return list(printed.values())


def _try(
    remedy: Remedy, file: str, programs: Programs, stored: dict[str, np.ndarray], target: dict[str, np.ndarray]
) -> bool:
    """Carries it out; whether it is a way out by itself."""
    COUNTED["remedies carried out"] += 1
    if remedy.command:
        for written in Path().glob("*_fitted*"):
            written.unlink()
        done = run_command(remedy.command, Path())
        assert done.returncode in (0, 1), f"{remedy.command}\n{done.stderr}"
        return False
    code = str(remedy.code)
    call = ast.parse(f"f({code})" if "(" not in code else "0", mode="eval").body
    if isinstance(call, ast.Call):
        # With this setting the model is the checkpoint's.
        (keyword,) = call.keywords
        values = _run(programs, "", {str(keyword.arg): ast.literal_eval(keyword.value)})
        assert {name: value.shape for name, value in values.items()} == {
            name: value.shape for name, value in stored.items()
        }
        return True
    values = _run(programs, code)
    expected = _kept_whole(stored, target)
    assert expected, code
    for name, value in values.items():
        wanted = stored[name] if name in expected else own_value(name, value.shape, "float32")
        np.testing.assert_array_equal(value, wanted, f"{name} after {code}")
    return True


def _kept_whole(stored: dict[str, np.ndarray], target: dict[str, np.ndarray]) -> set[str]:
    """The variables of layers of which the checkpoint has every variable with its shape."""
    fits = {name for name in target if name in stored and stored[name].shape == target[name].shape}
    broken = {name.partition("/")[0] for name in target if name not in fits}
    return {name for name in fits if name.partition("/")[0] not in broken}


def _run(programs: Programs, code: str, arguments: dict[str, object] | None = None) -> dict[str, np.ndarray]:
    file = Path("values.npz").absolute()
    error = programs.ask(
        "run with keras", directory=str(Path.cwd()), code=code, values=str(file), arguments=arguments or {}
    )
    assert not error, f"{code}\n{error}"
    return values_in(file)
