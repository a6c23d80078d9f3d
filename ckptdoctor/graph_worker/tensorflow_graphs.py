"""The TensorFlow graphs that the user's program makes, and their variables."""

from __future__ import annotations

from typing import Any, Iterable

from .consumers import consumer_of_variable
from .operations import graph_of_operations, sizes_of
from .sources import Sources


class TensorFlowGraphs:
    """Every `tf.Graph` that is made from now on.

    Args:
        tensorflow: TensorFlow.
        sources: whose frames say which line makes a variable.
        seed: what their random operations go by; None for another one each time.
    """

    def __init__(self, tensorflow: Any, sources: Sources, seed: int | None = None) -> None:
        self._tf = tensorflow
        self._v1 = tensorflow.compat.v1
        self._sources = sources
        self._made: list[Any] = []
        create = self._v1.Graph.__init__
        graphs = self._made

        def remember(graph: Any, *args: Any, **kwargs: Any) -> None:
            create(graph, *args, **kwargs)
            if type(graph).__name__ == "Graph":
                graphs.append(graph)
                graph.seed = seed

        self._v1.Graph.__init__ = remember

    def chosen(self) -> Any:
        """The graph with the most variables, the first of them if several have as many."""
        graphs = list(self._made)
        if not self._tf.executing_eagerly() and self._v1.get_default_graph() not in graphs:
            graphs.append(self._v1.get_default_graph())
        return max(graphs, key=lambda graph: len(self.variables(graph)), default=None)

    def variables(self, graph: Any) -> list[Any]:
        """A graph's variables, each once; none of no graph."""
        if graph is None:
            return []
        keys = self._v1.GraphKeys
        by_name: dict[str, Any] = {}
        for collection in (keys.GLOBAL_VARIABLES, keys.TRAINABLE_VARIABLES):
            for variable in graph.get_collection(collection):
                if hasattr(variable, "op"):
                    by_name.setdefault(variable.name, variable)
        return list(by_name.values())

    def parts(self, variables: Iterable[Any]) -> list[list[Any]]:
        """Variables as `describe` counts them: the parts of a partitioned one together."""
        together: dict[Any, list[Any]] = {}
        for number, variable in enumerate(variables):
            partitioned = variable._get_save_slice_info()
            together.setdefault(saved_name(variable) if partitioned else number, []).append(variable)
        return list(together.values())

    def describe(self, graph: Any, variables: Iterable[Any]) -> list[dict[str, Any]]:
        """Variables of a graph, in the fields of `protocol.VARIABLE` with `frames` in the place of `location`.

        The parts of a partitioned variable are one.
        """
        members: dict[int, list[str]] = {}
        for collection in graph.get_all_collection_keys():
            if isinstance(collection, str):
                for item in graph.get_collection(collection):
                    members.setdefault(id(item), []).append(collection)
        trainable = {id(item) for item in graph.get_collection(self._v1.GraphKeys.TRAINABLE_VARIABLES)}
        nodes = graph_of_operations(graph)
        described: dict[str, dict[str, Any]] = {}
        number = 0
        for variable in variables:
            operation, name = variable.op, saved_name(variable)
            part = variable._get_save_slice_info()
            if part and name in described:
                continue
            shape = tuple(part.full_shape) if part else sizes_of(variable.shape)
            number += 1
            described[name if part else f"{name} {number}"] = {
                "name": name,
                "key": name,
                "shape": None if shape is None else [int(size) for size in shape],
                "dtype": variable.dtype.base_dtype.name,
                "trainable": id(variable) in trainable,
                "resource": operation.type == "VarHandleOp",
                "collections": sorted(members.get(id(variable), [])),
                "frames": self._sources.frames([(frame.filename, frame.lineno) for frame in operation.traceback]),
                "consumer": consumer_of_variable(nodes, operation.name),
                "stored": "",
                "node": -1,
                "partitioned": part is not None,
            }
        return list(described.values())


def saved_name(variable: Any) -> str:
    """The name that a `Saver` saves a variable under: that of the whole one for a part."""
    part = variable._get_save_slice_info()
    return str(part.full_name if part else variable.op.name)


def first_tensor(tensorflow: Any, result: Any) -> Any:
    """The first tensor in a structure; None if there is none."""
    for item in tensorflow.nest.flatten(result):
        if tensorflow.is_tensor(item):
            return item
    return None
