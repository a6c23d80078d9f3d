"""TensorFlow 2's objects, numbered as `tf.train.Checkpoint` numbers them."""

from __future__ import annotations

from typing import Any

from .operations import sizes_of

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_OBJECT_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def _escaped(name: str) -> str:
    """A local name as a path has it (tensorflow/python/trackable/trackable_utils.py, `escape_local_name`)."""
    return name.replace(".", "..").replace("/", ".S")


class Objects:
    """The objects below a root, in the order in which `tf.train.Checkpoint` numbers them.

    Attributes:
        items: the objects.
        children: for each, the names and numbers of those that it refers to.
        paths: for each, the shortest path from the root.
        numbers: an object's id → its number.
    """

    def __init__(self, tensorflow: Any, root: Any) -> None:
        view = tensorflow.train.TrackableView(root)
        self.children: list[list[list[Any]]] = []
        self.paths = [""]
        self.numbers = {id(root): 0}
        self.items = [root]
        for item in self.items:
            children = []
            for name, child in view.children(item).items():
                if id(child) not in self.numbers:
                    self.numbers[id(child)] = len(self.items)
                    self.items.append(child)
                    self.paths.append((self.paths[self.numbers[id(item)]] + "/" + _escaped(name)).lstrip("/"))
                children.append([name, self.numbers[id(child)]])
            self.children.append(children)

    def key(self, number: int) -> str:
        """The key that the value of an object is saved under."""
        return self.paths[number] + _OBJECT_VALUE


def eager_variable(variable: Any) -> dict[str, Any]:
    """A variable outside of any graph, in the fields of `protocol.VARIABLE` with `frames` in the place of `location`."""
    shape = sizes_of(variable.shape)
    return {
        "name": variable.name.partition(":")[0],
        "key": "",
        "shape": None if shape is None else list(shape),
        "dtype": variable.dtype.base_dtype.name,
        "trainable": bool(variable.trainable),
        "resource": True,
        "collections": [],
        "frames": [],
        "consumer": None,
        "stored": "",
        "node": -1,
        "partitioned": False,
    }
