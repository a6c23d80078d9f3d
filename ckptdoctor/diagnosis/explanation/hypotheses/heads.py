"""The last layer: how its number of outputs is made up, and which number differs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.explanation.symptom import Cause, Mismatch, Symptom

_CLASSIFIER = re.compile(r"logit|cls|class|output|predict|softmax|fc8|head|score|final|dense_1|bbox", re.IGNORECASE)
_ANCHORED = re.compile(r"rpn|anchor", re.IGNORECASE)
_NO_HEAD = re.compile(r"embed|lstm|gru|rnn|attention|BatchNorm|LayerNorm|gamma|beta|moving_|encoder", re.IGNORECASE)
_BOX = 4
_YOLO_ANCHORS, _YOLO_BOX = 3, 5
_FEW = 64
_FEW_CLASSES = 10

_LEAVE_OUT = "Fine-tuning: leave this layer out of the restore and train it anew: ckptdoctor diff prints the code."


def heads(symptom: Symptom) -> Iterator[Cause]:
    """Class counts, background classes and anchors."""
    for mismatch in symptom.mismatches:
        yield from _head(mismatch)


def _head(mismatch: Mismatch) -> Iterator[Cause]:
    name = mismatch.variable
    outputs = _outputs(mismatch)
    if outputs is None or _NO_HEAD.search(name):
        return
    graph, stored = outputs
    is_vector = len(mismatch.lhs) == 1
    anchored = bool(_ANCHORED.search(name))
    if anchored:
        unit = _BOX if re.search(r"bbox|box|loc|reg", name) and graph % _BOX == stored % _BOX == 0 else 2
        if graph % unit == stored % unit == 0:
            yield Cause(
                "anchors-per-location",
                0.92,
                f"{graph} = {graph // unit} anchors x {unit}, {stored} = {stored // unit} anchors x {unit}.",
                (f"Configure {stored // unit} anchors a location (scales x ratios).",),
            )
    named = bool(_CLASSIFIER.search(name)) and not anchored
    if abs(graph - stored) == 1 and (named or not name):
        known = {graph, stored} == {1000, 1001}
        more, fewer = max(graph, stored), min(graph, stored)
        yield Cause(
            "class-count",
            0.9 if known else 0.87 if named else 0.4,
            f"{more} = {fewer} classes and one for the background, counted on one side only.",
            (f"Set the offset of labels so that the graph has {stored} outputs.",),
        )
    base = 0.85 if named else 0.3 if anchored else 0.7 if not name or len(mismatch.lhs) == 4 else 0.45
    if not name and not is_vector and len(mismatch.lhs) == 2:
        base = 0.5
    if is_vector and not named and graph % _BOX == stored % _BOX == 0 and min(graph, stored) > _FEW:
        base = 0.4
    yield Cause(
        "class-count",
        max(base, *_boxes(mismatch, graph, stored)),
        _arithmetic(mismatch, graph, stored),
        (f"To use the stored classifier, build the graph for it: {_reading(mismatch, stored)}.", _LEAVE_OUT),
    )


def _outputs(mismatch: Mismatch) -> tuple[int, int] | None:
    """Outputs of the graph's and the stored layer, if nothing else differs; BERT's output_weights are [classes,hidden]."""
    lhs, rhs = mismatch.lhs, mismatch.rhs
    if lhs and mismatch.differing == (len(lhs) - 1,):
        return lhs[-1], rhs[-1]
    if (
        mismatch.differing == (0,)
        and len(lhs) == 2
        and ("output_weights" in mismatch.variable or lhs[0] < _FEW_CLASSES)
    ):
        return lhs[0], rhs[0]
    return None


def _boxes(mismatch: Mismatch, graph: int, stored: int) -> tuple[float, float]:
    """Two scores: both counts are boxes of four for a whole number of classes; both are YOLO's."""
    boxes = len(mismatch.lhs) == 2 and graph % _BOX == stored % _BOX == 0 and not mismatch.variable
    yolo = mismatch.lhs[:2] == (1, 1) and all(
        count % _YOLO_ANCHORS == 0 and count // _YOLO_ANCHORS > _YOLO_BOX for count in (graph, stored)
    )
    return 0.8 if boxes else 0.0, 0.85 if yolo else 0.0


def _arithmetic(mismatch: Mismatch, graph: int, stored: int) -> str:
    lhs, rhs = _reading(mismatch, graph), _reading(mismatch, stored)
    return f"The graph has {graph} outputs ({lhs}), the checkpoint {stored} ({rhs})."


def _reading(mismatch: Mismatch, count: int) -> str:
    """What a number of outputs may be made up of, where both sides allow the reading."""
    graph, stored = _outputs(mismatch) or (0, 0)
    boxes, yolo = _boxes(mismatch, graph, stored)
    readings = [f"{count} classes"]
    if boxes or ("box" in mismatch.variable and graph % _BOX == stored % _BOX == 0):
        readings.insert(0, f"4 coordinates x {count // _BOX} classes")
    if yolo:
        readings.insert(0, f"YOLO's 3 anchors x ({count // _YOLO_ANCHORS - _YOLO_BOX} classes + 5)")
    return " or ".join(readings)
