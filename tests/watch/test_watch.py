"""Programs that restore, run as they are and watched: what they print, how they end, what is explained."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SAVE = """
import tensorflow as tf
v1 = tf.compat.v1
v1.disable_eager_execution()
v1.get_variable("net/fc/weights", [1, 1, 16, 8])
v1.get_variable("net/fc/biases", [8])
with v1.Session() as session:
    session.run(v1.global_variables_initializer())
    v1.train.Saver().save(session, "model.ckpt")
"""
RESTORE = """
import sys
import tensorflow as tf
v1 = tf.compat.v1
v1.disable_eager_execution()
v1.{resource}_resource_variables()
v1.get_variable("net/fc/weights", {shape})
v1.get_variable("net/fc/biases", [8])
with v1.Session() as session:
    v1.train.Saver().restore(session, "model.ckpt")
print("arguments", sys.argv[1:])
sys.exit(7)
"""
OBJECTS = """
import tensorflow as tf
import keras
import ckptdoctor


def build(classes):
    layers = [keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(classes)]
    return keras.Sequential(layers)


path = tf.train.Checkpoint(model=build(2)).save("objects/ck")
build(2).save_weights("model.weights.h5")
with ckptdoctor.explain_restore():
    print("same")
    tf.train.Checkpoint(model=build(2)).restore(path).assert_consumed()
    print("other name")
    tf.train.Checkpoint(net=build(2)).restore(path).expect_partial()
    for restore in (
        lambda: tf.train.Checkpoint(model=build(5)).restore(path).expect_partial(),
        lambda: build(5).load_weights("model.weights.h5"),
    ):
        try:
            restore()
        except ValueError as error:
            print("raised", str(error).splitlines()[0][:41].rstrip(" ("))
print("outside")
try:
    tf.train.Checkpoint(model=build(5)).restore(path).expect_partial()
except ValueError:
    print("raised too")
"""


def run(directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, *command], cwd=directory, capture_output=True, text=True, env=environment, check=False
    )


def own(stderr: str) -> list[str]:
    """The lines that are not TensorFlow's log, which tells the time."""
    return [line for line in stderr.splitlines() if not re.match(r"[IWE]\d{4} |WARNING: All log messages", line)]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("watch")
    (path / "save.py").write_text(SAVE)
    saved = run(path, "save.py")
    assert saved.returncode == 0, saved.stderr
    return path


@pytest.mark.parametrize(
    ("resource", "shape", "code", "said"),
    [
        ("disable", [16, 8], 1, "this restore failed with InvalidArgumentError"),
        ("enable", [16, 8], 7, "1 variables hold a value of another shape"),
        ("enable", [1, 1, 16, 8], 7, ""),
    ],
)
def test_a_program_runs_as_it_would(directory: Path, resource: str, shape: list[int], code: int, said: str) -> None:
    (directory / "restore.py").write_text(RESTORE.format(resource=resource, shape=shape))
    watched = run(directory, "-m", "ckptdoctor", "run", "restore.py", "--lr", "1")
    alone = run(directory, "restore.py", "--lr", "1")
    assert watched.returncode == alone.returncode == code
    assert watched.stdout == alone.stdout
    assert own(alone.stderr)[-1:] == own(watched.stderr)[-1:] or said
    assert ("ckptdoctor: " in watched.stderr) == bool(said)
    if said:
        text = " ".join(watched.stderr.split())
        assert said in text
        assert "CKD201" in text
        assert "--> restore.py:7" in text
    if code == 1:
        assert 'File "restore.py", line 10, in <module>' in watched.stderr


def test_objects_and_keras(directory: Path) -> None:
    (directory / "objects.py").write_text(OBJECTS)
    done = run(directory, "objects.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "same",
        "other name",
        "raised Received incompatible tensor with shape",
        "raised A total of 1 objects could not be loaded.",
        "outside",
        "raised too",
    ]
    text = " ".join(done.stderr.split())
    assert text.count("ckptdoctor: ") == 3
    assert "restored no variable of these objects" in text
    assert "tf.train.Checkpoint(model=" in text
    assert text.count("CKD204") == 2


def test_a_script_that_is_not_there(directory: Path) -> None:
    done = run(directory, "-m", "ckptdoctor", "run", "absent.py")
    assert done.returncode == 2
    assert "there is no file absent.py" in done.stderr


SHARED_PATHS = """
import sys
import numpy as np
import tensorflow as tf
import keras

def build():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

model = build()
model.compile("adam", "mse")
model.fit(np.zeros((2, 3)), np.zeros((2, 2)), verbose=0)
path = tf.train.Checkpoint(model=model).save("trained/ck")
again = build()
tf.train.Checkpoint(model=again).restore(path).expect_partial()
print(np.array_equal(again.get_weights()[0], model.get_weights()[0]))
"""


def test_variables_that_an_optimizer_shares_are_restored_and_nothing_is_said(directory: Path) -> None:
    """Their keys lead through the optimizer, which the restored program has not."""
    (directory / "shared_paths.py").write_text(SHARED_PATHS)
    watched = run(directory, "-m", "ckptdoctor", "run", "shared_paths.py")
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.split()[-1] == "True"
    assert "ckptdoctor: " not in watched.stderr


QUIET_LOADS = """
import numpy as np
import keras
import ckptdoctor

def build(*names, units=3):
    sizes = [4, units]
    return keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(n, name=name) for n, name in zip(sizes, names))])

build("a", "b").save_weights("quiet.weights.h5")
build("a", "b").save("quiet.h5")
with ckptdoctor.explain_restore():
    build("x", "y").load_weights("quiet.weights.h5")
    build("x", "y").load_weights("quiet.h5")
    build("x", "y").load_weights("quiet.h5", by_name=True)
    build("a", "b", units=5).load_weights("quiet.weights.h5", skip_mismatch=True)
"""


def test_a_load_that_raises_nothing_is_compared_with_what_is_meant(directory: Path) -> None:
    """Two that load by structure are silent; by name nothing is loaded; a head that is skipped is one sentence."""
    (directory / "quiet.py").write_text(QUIET_LOADS)
    done = run(directory, "quiet.py")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stderr.split())
    assert text.count("ckptdoctor: ") == 2
    assert "ckptdoctor: the restore raised nothing, and restored no variable of this model." in text
    assert "CKD406" in text
    assert "restored 2 variables of this model; 2 keep their own values: " in text
