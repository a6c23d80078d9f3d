"""A process with TensorFlow, started once: it makes checkpoints, builds graphs and runs code in them, as it is told.

Run as `python -m tests.remedies.programs`; a job is a line of JSON, and so is an answer: {"error": ""} or what was raised.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.remedies.values import own_value, stored_value

Job = dict[str, Any]


def save_bundle(tf: Any, job: Job) -> None:
    """A tensor bundle of these keys."""
    tensors = [tf.cast(stored_value(key, shape, dtype), dtype) for key, (shape, dtype) in job["entries"].items()]
    tf.raw_ops.SaveV2(
        prefix=job["prefix"],
        tensor_names=list(job["entries"]),
        shape_and_slices=[""] * len(tensors),
        tensors=tensors,
    )


def save_meta_graph(tf: Any, job: Job) -> None:
    """The graph of these variables, as a Saver exports it."""
    with tf.Graph().as_default():
        _make_variables(tf, job["variables"])
        tf.compat.v1.train.Saver().export_meta_graph(job["path"])


def run_in_graph(tf: Any, job: Job) -> None:
    """Code in a program that has these variables, initialised, and a session; writes what they hold afterwards."""
    import tf_slim as slim

    with tf.Graph().as_default(), tf.compat.v1.Session() as session, _directory(job["directory"]):
        variables = _make_variables(tf, job["variables"])
        session.run(tf.compat.v1.global_variables_initializer())
        names: dict[str, Any] = {"tf": tf, "slim": slim, "session": session}
        exec(job["code"], names)
        if "init_fn" in names:
            names["init_fn"](session)
        values = session.run([item.read_value() for item in variables])
        _write(job["values"], dict(zip(job["variables"], values, strict=True)))


def run_builder(tf: Any, job: Job) -> None:
    """Code that builds a part of a graph, with names that it may use; writes the shapes of the variables that it makes."""
    import tf_slim as slim

    with tf.Graph().as_default(), _directory(job["directory"]):
        names: dict[str, Any] = {"tf": tf, "slim": slim, "layers": tf.keras.layers}
        for name, shape in job["inputs"].items():
            names[name] = tf.compat.v1.placeholder("float32", [None if size < 0 else size for size in shape])
        with tf.compat.v1.variable_scope(job["scope"]) if job["scope"] else _nothing():
            exec(job["code"], names)
        shapes = {item.op.name: item.shape.as_list() for item in tf.compat.v1.global_variables()}
        results = {name: names[name].shape.as_list() for name in job["results"]}
        Path(job["shapes"]).write_text(json.dumps([shapes, results]))


def run_with_keras(tf: Any, job: Job) -> None:
    """Code in a program that has a Keras model; writes what its variables hold afterwards."""
    import keras

    with _directory(job["directory"]):
        keras.backend.clear_session()
        names: dict[str, Any] = {"tf": tf, "keras": keras, "np": np, "stored_value": stored_value}
        exec(Path("graph.py").read_text(), names)
        model = names["build"](**job.get("arguments", {}))
        for item in model.weights:
            item.assign(own_value(item.path, item.shape, item.dtype))
        names["model"] = model
        exec(job["code"], names)
        _write(job["values"], {item.path: item.numpy() for item in model.weights})


def run_as_it_is(tf: Any, job: Job) -> None:
    """A program of its own, in a directory."""
    with _directory(job["directory"]):
        names: dict[str, Any] = {"tf": tf, "np": np, "own_value": own_value, "stored_value": stored_value}
        exec(job["code"], names)
        if job.get("values"):
            _write(job["values"], names["values"])


def _make_variables(tf: Any, variables: dict[str, Any]) -> list[Any]:
    made = []
    for name, item in variables.items():

        def initialise(shape: Any, dtype: Any, partition_info: Any = None, name: str = name) -> Any:
            return _own_value(tf, name, shape, dtype)

        with tf.compat.v1.variable_scope("", reuse=tf.compat.v1.AUTO_REUSE):
            variable = tf.compat.v1.get_variable(
                name, item["shape"], item["dtype"], initializer=initialise, use_resource=item["resource"]
            )
        made.append(variable)
        _use(tf, variable, item)
    return made


def _own_value(tf: Any, name: str, shape: Any, dtype: Any) -> Any:
    """`own_value` as operations: a constant of this size has no place in a graph definition."""
    size = int(np.prod([int(side) for side in shape], dtype=np.int64))
    if size <= 97:
        return tf.cast(own_value(name, [int(side) for side in shape], tf.as_dtype(dtype).name), dtype)
    ramp = own_value(name, [97], tf.as_dtype(dtype).name)
    return tf.reshape(tf.cast(tf.gather(ramp, tf.range(size) % 97), dtype), shape)


def _use(tf: Any, variable: Any, item: dict[str, Any]) -> None:
    op, shape, flattened = item["op"], item["input"], item["flattened"]
    if not op:
        return
    if flattened:
        fed = tf.compat.v1.placeholder("float32", [None if size < 0 else size for size in flattened])
        fed = tf.nn.relu(tf.nn.max_pool2d(fed, 1, 1, "SAME")) if len(flattened) == 4 else fed
        fed = tf.reshape(fed, [-1, int(np.prod(flattened[1:]))])
    elif shape:
        fed = tf.compat.v1.placeholder("float32", [None if size < 0 else size for size in shape])
    if op == "Conv2D":
        tf.nn.conv2d(fed, variable, 1, item["padding"] or "SAME")
    elif op == "MatMul":
        tf.matmul(fed, variable)
    elif op == "Tensordot":
        tf.tensordot(fed, variable, 1)
    elif op == "GatherV2":
        tf.gather(variable, tf.compat.v1.placeholder("int32", [None]))
    else:
        raise ValueError(f"no example has used {op} until now")


@contextmanager
def _directory(path: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _write(path: str, values: dict[str, Any]) -> None:
    names = list(values)
    arrays = {f"v{number}": np.asarray(values[name]).astype("float64") for number, name in enumerate(names)}
    np.savez(path, names=np.array(names), **arrays)


ACTIONS: dict[str, Callable[[Any, Job], None]] = {
    "save bundle": save_bundle,
    "save meta graph": save_meta_graph,
    "run in graph": run_in_graph,
    "run builder": run_builder,
    "run with keras": run_with_keras,
    "run": run_as_it_is,
}


def main() -> None:
    import tensorflow as tf

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        job = json.loads(line)
        error = ""
        try:
            ACTIONS[job["action"]](tf, job)
        except Exception as raised:
            error = f"{type(raised).__name__}: {str(raised)[:2000]}"
        answers.write(json.dumps({"error": error}) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
