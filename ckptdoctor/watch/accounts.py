"""What is said of one restore: nothing if it went well, the diagnosis if it failed or left a wrong shape behind."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.explanation.explanation import explain
from ckptdoctor.errors import Corrupt, FormatError, MissingData
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.live_graph import graph_of_keras, graph_of_objects, graph_of_saver
from ckptdoctor.reports.diff_text import print_diff
from ckptdoctor.reports.error_text import print_error
from ckptdoctor.reports.explain_text import print_explanation
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.specs.graph import GraphSpec


def saver_restored(saver: Any, path: str, error: BaseException | None) -> None:
    """After `Saver.restore`: what failed, or which resource variables hold a value of another shape now."""
    if error is not None:
        _failed(graph_of_saver(saver), path, error)
        return
    diagnosis = _compare(graph_of_saver(saver), path)
    wrong = [pair for pair in diagnosis.alignment.mismatched if pair.variable.resource and not pair.same_shape]
    if wrong:
        _print(diagnosis, f"the restore raised nothing, and {len(wrong)} variables hold a value of another shape.")


def object_restored(checkpoint: Any, path: str, error: BaseException | None) -> None:
    """After `tf.train.Checkpoint.restore`: what failed, or that nothing at all was restored."""
    if error is not None:
        _failed(graph_of_objects(checkpoint), path, error)
        return
    diagnosis = _compare(graph_of_objects(checkpoint), path)
    alignment = diagnosis.alignment
    counted = [pair for pair in alignment.matched if not pair.variable.key.startswith("save_counter")]
    if (
        not counted
        and not any(not pair.renamed for pair in alignment.mismatched)
        and len(alignment.graph.variables) > 1
    ):
        _print(diagnosis, "the restore raised nothing, and restored no variable of these objects.")


def keras_restored(model: Any, path: str, error: BaseException | None) -> None:
    """After Keras's `load_weights`: what failed."""
    if error is not None:
        _failed(graph_of_keras(model), path, error)


def _compare(graph: GraphSpec, path: str) -> Diagnosis:
    return diagnose(align(graph, open_checkpoint(path).inventory), graph.source)


def _failed(graph: GraphSpec, path: str, error: BaseException) -> None:
    """The comparison where it finds something; else what the message says."""
    problem = None
    try:
        diagnosis = _compare(graph, path)
    except FormatError as found:
        problem = found
    else:
        if not diagnosis.clean:
            _print(diagnosis, f"this restore failed with {type(error).__name__}.")
            return
    out = _console()
    explanation = explain(f"{type(error).__name__}: {error}")
    if isinstance(problem, MissingData | Corrupt):
        print_error(problem, out)
    elif explanation.causes:
        print_paragraph(out, f"this restore failed with {type(error).__name__}.", label="ckptdoctor: ", style="bold")
        print_explanation(explanation, out)


def _print(diagnosis: Diagnosis, what: str) -> None:
    out = _console()
    print_paragraph(out, what, label="ckptdoctor: ", style="bold")
    print_diff(diagnosis, out)


def _console() -> Console:
    return Console(stderr=True, highlight=False, markup=False, emoji=False)
