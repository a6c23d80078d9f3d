"""The main job against what a user has today, on tf_slim's VGG16 (553 MB): `make bench`.

Every line is a ratio of two things measured in this run, on this machine: the median of several rounds, in each of which
both sides run. Peak memory is the largest resident set of the process and its children.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "5"))
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

SAVE = """
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
from tf_slim.nets import vgg
vgg.vgg_16(tf.placeholder(tf.float32, [None, 224, 224, 3]), is_training=False)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    tf.train.Saver(write_version=1).save(session, "v1/vgg_16.ckpt", write_meta_graph=False)
    tf.train.Saver(write_version=2).save(session, "v2/vgg_16.ckpt", write_meta_graph=False)
"""

# What a user writes today: read everything, reshape, save.
SCRIPT = """
import sys
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
reader = tf.train.NewCheckpointReader(sys.argv[1])
variables = {}
for name, shape in reader.get_variable_to_shape_map().items():
    value = reader.get_tensor(name)
    if "/fc" in name and len(shape) == 4:
        value = value.reshape(-1, shape[3])
    variables[name] = value
placeholders = {name: tf.placeholder(tf.float32, value.shape) for name, value in variables.items()}
made = {name: tf.get_variable(name, initializer=placeholders[name]) for name in variables}
with tf.Session() as session:
    feeds = {placeholders[name]: value for name, value in variables.items()}
    session.run(tf.global_variables_initializer(), feeds)
    tf.train.Saver(made).save(session, sys.argv[2], write_meta_graph=False)
"""

GRAPH = """
import tensorflow as tf
slim = tf.contrib.slim
def vgg_16(images):
    with tf.variable_scope("vgg_16"):
        net = images
        for block, (repeat, width) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)], 1):
            net = slim.repeat(net, repeat, slim.conv2d, width, [3, 3], scope="conv%d" % block)
            net = slim.max_pool2d(net, [2, 2], scope="pool%d" % block)
        net = slim.flatten(net)
        net = slim.fully_connected(net, 4096, scope="fc6")
        net = slim.fully_connected(net, 4096, scope="fc7")
        return slim.fully_connected(net, 1000, activation_fn=None, scope="fc8")
"""


def run(*command: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a command."""
    program = (
        "import resource, subprocess, sys, time\n"
        "start = time.perf_counter()\n"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode\n"
        "print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    seconds, memory, code = done.stdout.split()
    if code not in ("0", "1"):
        raise SystemExit(f"{command} failed with {code}")
    return float(seconds), float(memory)


def measure(sides: dict[str, tuple[str, ...]], before: tuple[str, ...] = ()) -> dict[str, tuple[float, float]]:
    """Median seconds and largest memory of each side; `before` names directories to clear first."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, command in sides.items():
            for directory in before:
                shutil.rmtree(directory, ignore_errors=True)
                Path(directory).mkdir()
            os.sync()
            taken[name].append(run(*command))
    return {
        name: (statistics.median(seconds for seconds, _ in rounds), max(memory for _, memory in rounds))
        for name, rounds in taken.items()
    }


def report(title: str, measured: dict[str, tuple[float, float]]) -> None:
    print(f"\n{title}")
    (base, _), *_ = measured.values()
    for name, (seconds, memory) in measured.items():
        print(f"  {name:<38} {seconds:7.2f} s   {seconds / base:6.2f} x   {memory:7.0f} MB")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
        os.chdir(directory)
        ENVIRONMENT["XDG_CACHE_HOME"] = f"{directory}/cache"
        for name in ("v1", "v2"):
            Path(name).mkdir()
        Path("graph.py").write_text(GRAPH)
        Path("script.py").write_text(SCRIPT)
        subprocess.run([sys.executable, "-c", SAVE], env=ENVIRONMENT, check=True, capture_output=True)
        doctor = (sys.executable, "-m", "ckptdoctor")
        python = sys.executable
        data = "v2/vgg_16.ckpt.data-00000-of-00001"
        fitted = ("out/fitted.ckpt", "--conv-to-dense")
        print(f"VGG16, {Path(data).stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores, median of {ROUNDS} rounds")
        report(
            "convert V2 -> V2 (aim: 1.3 x cp + 0.2 s, 120 MB)",
            measure(
                {
                    "cp of the data": ("cp", data, "out/data"),
                    "ckptdoctor convert": (*doctor, "convert", "v2/vgg_16.ckpt", *fitted),
                    "ckptdoctor convert --link": (*doctor, "convert", "v2/vgg_16.ckpt", *fitted, "--link"),
                    "TensorFlow script": (python, "script.py", "v2/vgg_16.ckpt", "out/fitted.ckpt"),
                },
                before=("out",),
            ),
        )
        report(
            "convert V1 -> V2 (aim: 2 x cp)",
            measure(
                {
                    "cp of the file": ("cp", "v1/vgg_16.ckpt", "out/data"),
                    "ckptdoctor convert": (*doctor, "convert", "v1/vgg_16.ckpt", *fitted),
                    "TensorFlow script": (python, "script.py", "v1/vgg_16.ckpt", "out/fitted.ckpt"),
                },
                before=("out",),
            ),
        )
        tool = ("-m", "tensorflow.python.tools.inspect_checkpoint", "--file_name=v2/vgg_16.ckpt")
        report(
            "inspect (aim: 10 times faster than inspect_checkpoint)",
            measure(
                {
                    "inspect_checkpoint": (python, *tool),
                    "ckptdoctor inspect, V2": (*doctor, "inspect", "v2/vgg_16.ckpt"),
                    "ckptdoctor inspect, V1": (*doctor, "inspect", "v1/vgg_16.ckpt"),
                }
            ),
        )
        diff = ("diff", "graph.py", "v2/vgg_16.ckpt", "--input", "images:Nx224x224x3")
        run(*doctor, *diff)
        report(
            "diff (aim: 0.4 s when the graph is unchanged)",
            measure(
                {
                    "first diff (--no-cache)": (*doctor, *diff, "--no-cache"),
                    "second diff of an unchanged graph": (*doctor, *diff),
                }
            ),
        )


if __name__ == "__main__":
    main()
