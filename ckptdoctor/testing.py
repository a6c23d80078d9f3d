"""For a project's own tests: a checkpoint fits a graph, or the test says why it does not."""

from __future__ import annotations

import io
from collections.abc import Sequence


def assert_loads(
    graph: str,
    checkpoint: str,
    *,
    inputs: Sequence[str] = (),
    args: Sequence[str] = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    python: str = "",
) -> None:
    """Passes if a restore of the checkpoint into the graph would succeed with every variable.

    Args:
        graph: a GRAPH argument, such as `models/vgg.py:build` or a Keras file.
        checkpoint: a CHECKPOINT argument.
        inputs: tensor parameters, such as `images:Nx224x224x3`.
        args: other parameters, such as `num_classes=10`.
        include: scopes that take part.
        exclude: scopes that do not.
        python: the interpreter that builds the graph; the running one without it.

    Raises:
        AssertionError: it does not fit; the message is the report of `ckptdoctor diff`.
        CkptDoctorError: the graph cannot be built, or the checkpoint cannot be read.
    """
    from rich.console import Console

    from ckptdoctor import api
    from ckptdoctor.reports.diff_text import print_diff

    __tracebackhide__ = True  # pytest shows the caller's line
    request = api.graph_request(graph, inputs=inputs, args=args, python=python)
    diagnosis = api.diff(request, checkpoint, include=include, exclude=exclude)
    if not diagnosis.clean:
        text = io.StringIO()
        print_diff(diagnosis, Console(file=text, width=100, highlight=False, markup=False, emoji=False, no_color=True))
        raise AssertionError(f"{checkpoint} does not fit {graph}\n\n{text.getvalue()}")
