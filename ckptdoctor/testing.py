"""For a project's own tests: a checkpoint fits a graph, or the test says why it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ckptdoctor.api.graphs import Args, GraphName, Inputs

if TYPE_CHECKING:
    from ckptdoctor.api.opened import CheckpointName, OpenedCheckpoint


def assert_loads(
    graph: GraphName | object,
    checkpoint: CheckpointName | OpenedCheckpoint,
    *,
    inputs: Inputs = (),
    args: Args = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    python: str = "",
) -> None:
    """Passes if a restore of the checkpoint into the graph would succeed with every variable.

    Args:
        graph: a GRAPH argument, such as `models/vgg.py:build` or a Keras file, or a live model; see `ckptdoctor.diff`.
        checkpoint: a prefix, a file of it, a directory, or an opened checkpoint.
        inputs: tensor parameters, such as `{"images": (None, 224, 224, 3)}`.
        args: other parameters, such as `{"num_classes": 10}`.
        include: scopes that take part.
        exclude: scopes that do not.
        python: the interpreter that builds the graph; the running one without it.

    Raises:
        AssertionError: it does not fit; the message is the report of `ckptdoctor diff`.
        CkptDoctorError: the graph cannot be built, or the checkpoint cannot be read.
    """
    from ckptdoctor.api.comparison import diff
    from ckptdoctor.reports.diff_text import print_diff
    from ckptdoctor.reports.plain_text import plain_text

    __tracebackhide__ = True  # pytest shows the caller's line
    report = diff(graph, checkpoint, inputs=inputs, args=args, include=include, exclude=exclude, python=python)
    if not report.clean:
        text = plain_text(lambda console: print_diff(report, console), width=100)
        raise AssertionError(
            f"{report.alignment.inventory.source} does not fit {report.alignment.graph.source}\n\n{text}\n"
        )
