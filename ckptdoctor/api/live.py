"""What is built already, as a graph: a Keras model, a `tf.Module`, a `tf.train.Checkpoint` or a Saver."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import UsageError

if TYPE_CHECKING:
    from ckptdoctor.specs.graph import GraphSpec


def graph_of_live(built: Any) -> GraphSpec:
    """The variables of a live object, under the keys that its library restores them from.

    TensorFlow is never imported: whoever has such an object has imported it.

    Raises:
        UsageError: it is none of these, or has no variables yet.
    """
    from ckptdoctor.graphs.live_graph import graph_of_keras, graph_of_objects, graph_of_saver

    if hasattr(built, "_var_list") and hasattr(built, "restore"):
        graph = graph_of_saver(built)
    elif hasattr(built, "load_weights") and hasattr(built, "weights"):
        graph = graph_of_keras(built)
    elif hasattr(built, "_trackable_children") and "tensorflow" in sys.modules:
        graph = graph_of_objects(built)
    else:
        raise UsageError(
            f"a {type(built).__name__} is no graph",
            hint="Pass a Keras model, a tf.Module, a tf.train.Checkpoint, a Saver, or a name such as graph.py:function.",
        )
    if not graph.variables:
        raise UsageError(
            f"this {type(built).__name__} has no variables",
            hint="Build it first: call it on an input, or model.build(…).",
        )
    return graph
