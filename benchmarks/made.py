"""The checkpoints that are measured with, made by TensorFlow where its own writer matters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from measured import ENVIRONMENT

from ckptdoctor.formats.target import Incoming
from ckptdoctor.formats.tensor_bundle.writer import BundleWriter
from ckptdoctor.io import crc32c
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.tensor import TensorSpec

VGG = """
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
from tf_slim.nets import vgg
vgg.vgg_16(tf.placeholder(tf.float32, [None, 224, 224, 3]), is_training=False)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    tf.train.Saver(write_version=1).save(session, "v1/vgg_16.ckpt", write_meta_graph=False)
    tf.train.Saver(write_version=2).save(session, "v2/vgg_16.ckpt", write_meta_graph=False)
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
RESHAPE = """
import sys
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
reader = tf.train.NewCheckpointReader(sys.argv[1])
made = {}
for name, shape in reader.get_variable_to_shape_map().items():
    flat = "/fc" in name and len(shape) == 4
    made[name] = tf.get_variable(name, [shape[0] * shape[1] * shape[2], shape[3]] if flat else shape)
with tf.Session() as session:
    tf.train.Saver(made, reshape=True).restore(session, sys.argv[1])
    tf.train.Saver(made).save(session, sys.argv[2], write_meta_graph=False)
"""
LIST = "import sys, tensorflow as tf\nprint(len(tf.train.list_variables(sys.argv[1])))"
CAST = """
import sys, numpy as np, safetensors.numpy
values = safetensors.numpy.load_file(sys.argv[1])
safetensors.numpy.save_file({k: v.astype(np.float16) for k, v in values.items()}, sys.argv[2])
"""
KERAS = """
import keras
model = keras.applications.VGG16(weights=None)
model.save_weights("vgg.weights.h5")
"""
EDITOR = """
import sys
from keras.saving import KerasFileEditor
KerasFileEditor(sys.argv[1]).summary()
"""


def script(text: str, *arguments: str) -> list[str]:
    """A command that runs a script."""
    return [sys.executable, "-c", text, *arguments]


def vgg() -> None:
    """slim's VGG16, 553 MB, as V1 and V2, and Keras's; the graph with dense layers."""
    for name in ("v1", "v2"):
        Path(name).mkdir()
    Path("graph.py").write_text(GRAPH)
    for text in (VGG, KERAS):
        subprocess.run(script(text), env=ENVIRONMENT, check=True, capture_output=True)


def many(count: int, prefix: str) -> None:
    """A bundle of so many small tensors."""
    spec = TensorSpec(dtype_from_name("float32"), (2, 3))
    keys = [f"model/block_{n // 100:05d}/layer_{n % 100:02d}/kernel" for n in range(count)]
    _bundle(prefix, keys, spec, np.ones(spec.shape, np.float32))


def large(prefix: str, gigabytes: int, shards: int) -> None:
    """A bundle of so many gigabytes in so many shards."""
    rows = 1 << 18  # of 256 floats: 256 MiB
    spec = TensorSpec(dtype_from_name("float32"), (rows, 256))
    keys = [f"layer_{n:03d}/kernel" for n in range(gigabytes * 4)]
    chunk = np.random.default_rng(0).standard_normal((rows // 16, 256)).astype(np.float32)
    _bundle(prefix, keys, spec, chunk, -(-len(keys) * spec.nbytes // shards))


def _bundle(prefix: str, keys: list[str], spec: TensorSpec, chunk: np.ndarray, max_shard_size: int = 0) -> None:
    """A bundle of tensors of one shape, each the same chunk again and again."""
    data = chunk.tobytes()
    times = spec.nbytes // len(data)
    checksum = 0
    for _ in range(times):
        checksum = crc32c.extend(checksum, data)
    with AtomicOutput() as output:
        writer = BundleWriter(prefix, output, dict.fromkeys(keys, Incoming(spec)), max_shard_size)
        for part in writer.layout.parts:
            with part.extent.file.open("r+b") as file:
                file.seek(part.extent.offset)
                for _ in range(times):
                    file.write(data)
        writer.finish([checksum] * len(keys))
        output.commit()


def checks(count: int) -> str:
    """A repository that declares so many pairs; the configuration's path."""
    directory = Path("repository")
    directory.mkdir()
    tables = []
    for number in range(count):
        (directory / f"graph_{number}.py").write_text(GRAPH)
        tables.append(
            f'[[tool.ckptdoctor.check]]\ngraph = "repository/graph_{number}.py"\n'
            'checkpoint = "v2/vgg_16.ckpt"\ninputs = ["images:Nx224x224x3"]\n'
        )
    (directory / "pyproject.toml").write_text("\n".join(tables))
    return str(directory / "pyproject.toml")
