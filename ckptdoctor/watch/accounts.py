"""What is said of one restore: nothing if it did what is meant, the diagnosis if it failed or did something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from ckptdoctor.diagnosis.comparison import compare
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.explanation.explanation import explain
from ckptdoctor.errors import Corrupt, FormatError, MissingData
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.live_graph import graph_of_keras, graph_of_objects, graph_of_saver
from ckptdoctor.loaders.asked import Call
from ckptdoctor.reports.diff_text import print_diff
from ckptdoctor.reports.error_text import print_error
from ckptdoctor.reports.explain_text import print_explanation
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.objects import SAVE_COUNTER

_LISTED = 4


def saver_restored(saver: Any, path: str, error: BaseException | None, options: Mapping[str, Any]) -> None:
    """After `Saver.restore`: what failed, or which resource variables hold a value of another shape now."""
    graph = graph_of_saver(saver)
    if error is not None:
        _failed(graph, path, error)
        return
    diagnosis = _compare(graph, path)
    wrong = [pair for pair in diagnosis.alignment.mismatched if pair.variable.resource and not pair.same_shape]
    if wrong:
        _print(diagnosis, f"the restore raised nothing, and {len(wrong)} variables hold a value of another shape.")


def object_restored(checkpoint: Any, path: str, error: BaseException | None, options: Mapping[str, Any]) -> None:
    """After `tf.train.Checkpoint.restore`: what failed, or what was not restored though the checkpoint has it."""
    graph = graph_of_objects(checkpoint)
    if error is not None:
        _failed(graph, path, error)
        return
    _compare_with_load(_compare(graph, path), "these objects")


def keras_restored(model: Any, path: str, error: BaseException | None, options: Mapping[str, Any]) -> None:
    """After Keras's `load_weights`: what failed, or which variables do not have the value that is meant."""
    graph = graph_of_keras(model)
    call = Call(by_name=bool(options.get("by_name")), skip_mismatch=bool(options.get("skip_mismatch")))
    if error is not None:
        _failed(graph, path, error, call)
        return
    _compare_with_load(_compare(graph, path, call), "this model")


def _compare_with_load(diagnosis: Diagnosis, what: str) -> None:
    """Speaks up where a load that raised nothing has not done what is meant."""
    agreement = diagnosis.agreement
    # Where the load was to fail and did not, it was another one than is known here.
    if agreement is None or agreement.load.error or agreement.fits:
        return
    counted = [pair for pair in agreement.right if not pair.variable.key.startswith(SAVE_COUNTER)]
    kept = [variable for variable, _ in agreement.kept if not variable.key.startswith(SAVE_COUNTER)]
    if not counted and len(agreement.kept) + len(agreement.other) > 1:
        _print(diagnosis, f"the restore raised nothing, and restored no variable of {what}.")
    elif agreement.mistaken or agreement.passed_over or agreement.reshaped or agreement.other:
        wrong = agreement.asked - len(agreement.right) - len(agreement.zeroed)
        _print(
            diagnosis,
            f"the restore raised nothing, and {wrong} of {agreement.asked} variables have not the value that is meant.",
        )
    elif kept:
        listed = ", ".join(variable.name for variable in kept[:_LISTED]) + (" …" if len(kept) > _LISTED else "")
        print_paragraph(
            _console(),
            f"{agreement.load.call} restored {len(counted)} variables of {what}; {len(kept)} keep their own values: "
            f"{listed}.",
            label="ckptdoctor: ",
            style="bold",
        )


def _compare(graph: GraphSpec, path: str, call: Call | None = None) -> Diagnosis:
    inventory = open_checkpoint(path).inventory
    return compare(graph, inventory, call=call if inventory.is_keras else None).diagnosis


def _failed(graph: GraphSpec, path: str, error: BaseException, call: Call | None = None) -> None:
    """The comparison where it finds something; else what the message says."""
    problem = None
    try:
        diagnosis = _compare(graph, path, call)
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
