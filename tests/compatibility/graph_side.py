"""What each TensorFlow can do on the graph side: `python -m tests.compatibility.graph_side PYTHON…` prints the table.

Each PYTHON is an interpreter with another TensorFlow. ckptdoctor runs under the interpreter that runs this. Every cell is a
command that was run and judged by its exit code, or the last line that it printed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
CLASSIFIER = str(FIXTURES / "classifier.ckpt")
OBJECTS = """
import tensorflow as tf


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(tf.ones([4, 3]), name="w")
        self.b = tf.Variable(tf.zeros([3]), name="b")

    @tf.function
    def __call__(self, x):
        return tf.matmul(x, self.w) + self.b


net = Net()
checkpoint = tf.train.Checkpoint(net=net)
"""
KERAS = """
import tensorflow as tf

model = tf.keras.Sequential([
    tf.keras.layers.Conv2D(4, 3, input_shape=(8, 8, 3), name="conv"),
    tf.keras.layers.Flatten(name="flat"),
    tf.keras.layers.Dense(5, name="head"),
])
"""
SAVE_OBJECTS = "from objects import checkpoint; checkpoint.write('objects.ckpt')"
SAVE_KERAS = "from keras_model import model; model.save_weights('model.weights.h5')"
COLUMNS = (
    "TensorFlow 1 source",
    "tf_slim",
    "restored",
    "compared",
    "objects",
    "consumed",
    "Keras model",
    "load_weights",
)


def main(pythons: Sequence[str]) -> None:
    """Prints a row a Python."""
    print("| TensorFlow | Keras | Python | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for python in pythons:
        with tempfile.TemporaryDirectory() as directory:
            cells = list(_cells(python, Path(directory)))
        print("| " + " | ".join([*_versions(python), *cells]) + " |", flush=True)


def _versions(python: str) -> list[str]:
    code = (
        "import sys, tensorflow as tf; from importlib.metadata import version; "
        "print(tf.__version__, version('keras'), '%d.%d' % sys.version_info[:2])"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def _cells(python: str, directory: Path) -> list[str]:
    (directory / "objects.py").write_text(OBJECTS)
    (directory / "keras_model.py").write_text(KERAS)
    for code in (SAVE_OBJECTS, SAVE_KERAS):
        subprocess.run([python, "-c", code], cwd=directory, capture_output=True, check=True)
    images = ["--input", "images:Nx4x4x1"]
    dense, conv = str(FIXTURES / "dense.py"), str(FIXTURES / "conv.py")

    def run(command: str, *arguments: str, expected: int = 0) -> str:
        words = [sys.executable, "-m", "ckptdoctor", command, *arguments, "--python", python]
        done = subprocess.run(words, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode == expected:
            return "yes"
        lines = (done.stdout + done.stderr).strip().splitlines() or [f"exit code {done.returncode}"]
        return "no: " + next((line for line in lines if "error" in line), lines[-1]).strip()

    fitted = str(directory / "fitted.ckpt")
    cells = [
        run("diff", dense, CLASSIFIER, *images, expected=1),
        run("diff", conv, CLASSIFIER, *images),
    ]
    run("convert", CLASSIFIER, fitted, "--graph", dense, *images)
    return [
        *cells,
        run("verify", fitted, "--graph", dense, *images),
        run("verify", fitted, "--graph", dense, "--same-as", conv, CLASSIFIER, *images),
        run("diff", "objects.py:checkpoint", "objects.ckpt"),
        run("verify", "objects.ckpt", "--graph", "objects.py:checkpoint"),
        run("diff", "keras_model.py:model", "model.weights.h5"),
        run("convert", "model.weights.h5", "again.weights.h5", "--graph", "keras_model.py:model")
        if _loads(python, directory)
        else "no",
    ]


def _loads(python: str, directory: Path) -> bool:
    """Whether this Keras loads what ckptdoctor wrote of its own weights."""
    words = [sys.executable, "-m", "ckptdoctor", "convert", "model.weights.h5", "written.weights.h5"]
    subprocess.run(
        [*words, "--graph", "keras_model.py:model", "--python", python], cwd=directory, capture_output=True, check=False
    )
    code = "from keras_model import model; model.load_weights('written.weights.h5')"
    return not subprocess.run([python, "-c", code], cwd=directory, capture_output=True, check=False).returncode


if __name__ == "__main__":
    main(sys.argv[1:])
