"""The sources of a graph, in the order in which they are tried; one a module.

Each gives the graph if a name is its own, with the checkpoint that was opened for it where it is one; None hands the name
to the next. A module is imported when its turn comes: start-up is what a user feels.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ckptdoctor.graphs.request import is_meta_graph, is_python_graph, make_request
from ckptdoctor.specs.graph import GraphSpec

if TYPE_CHECKING:
    from ckptdoctor.formats.checkpoint import Checkpoint

Opened = tuple[GraphSpec, "Checkpoint | None"]


def _python(name: str) -> Opened | None:
    """`file.py:function`, `package.module:function`."""
    if not is_python_graph(name):
        return None
    from ckptdoctor.graphs.python_graph import trace_python

    return trace_python(make_request(name)), None


def _meta_graph(name: str) -> Opened | None:
    """A `.meta` file."""
    if not is_meta_graph(name):
        return None
    from ckptdoctor.graphs.meta_graph import read_meta_graph

    return read_meta_graph(Path(name)), None


def _saved_model(name: str) -> Opened | None:
    """A SavedModel's directory, or its `saved_model.pb`."""
    from ckptdoctor.formats.locate import saved_model_file

    file = saved_model_file(Path(name))
    if file is None:
        return None
    from ckptdoctor.graphs.saved_model import read_saved_model

    return read_saved_model(file), None


def _graph_definition(name: str) -> Opened | None:
    """A `GraphDef` that is not frozen, as bytes or as text."""
    from ckptdoctor.formats.graph_def import has_variables, read_graph_def

    definition = read_graph_def(Path(name))
    if definition is None or not has_variables(definition):
        return None
    from ckptdoctor.graphs.meta_graph import graph_of_definition

    return graph_of_definition(Path(name), definition.SerializeToString()), None


def _keras_model(name: str) -> Opened | None:
    """A file that describes a Keras model beside its weights; of any other checkpoint, its keys."""
    from ckptdoctor.formats.locate import open_checkpoint

    checkpoint = open_checkpoint(name)
    if not checkpoint.inventory.config:
        from ckptdoctor.graphs.checkpoint_graph import graph_of_inventory

        return graph_of_inventory(name, checkpoint.inventory), checkpoint
    from ckptdoctor.graphs.keras_config import read_keras_model

    return read_keras_model(checkpoint.inventory), checkpoint


def _checkpoint(name: str) -> Opened | None:
    """A checkpoint, whatever it says of a model: its keys."""
    from ckptdoctor.formats.locate import open_checkpoint
    from ckptdoctor.graphs.checkpoint_graph import graph_of_inventory

    checkpoint = open_checkpoint(name)
    return graph_of_inventory(name, checkpoint.inventory), checkpoint


Source = Callable[[str], Opened | None]
SOURCES: tuple[Source, ...] = (_meta_graph, _python, _saved_model, _graph_definition, _keras_model)
"""Where a graph's structure comes from; the last takes every name, or says what is wrong with it."""

SOURCES_WITH_VALUES: tuple[Source, ...] = (_meta_graph, _python, _checkpoint)
"""The same where values are wanted too: what a checkpoint says of a model does not count."""
