"""What is said of a load: the call, what each variable gets, and what is raised; or that no loader is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckptdoctor.diagnosis.comparison import compare
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.outcome import outcome, verdict
from ckptdoctor.specs.graph import GraphKind
from ckptdoctor.specs.inventory import Family

_SAVER = "With `tf.compat.v1.train.Saver().restore(session, path)` "


def compared(graph: str, checkpoint: str, kind: GraphKind, family: Family) -> Diagnosis:
    example = Example(graph, checkpoint)
    return compare(replace(example.graph_spec(), kind=kind), replace(example.inventory(), family=family)).diagnosis


@pytest.mark.parametrize(
    ("graph", "checkpoint", "kind", "family", "said"),
    [
        ("w [2]", "w [2]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, _SAVER + "the variable gets its value."),
        ("w [2]", "v [3]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, 'Tensor name "w" not found in checkpoint files'),
        ("w [2]", "w [3]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "lhs shape= [2] rhs shape= [3]"),
        ("w [2] resource", "w [3]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "1 hold a value of another shape"),
        ("w [2]", "w [2] float16", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "got a tensor of type half instead"),
        ("w [2]", "w [2]", GraphKind.OBJECTS, Family.TENSORFLOW, "What the loader does with it cannot be told here"),
        ("w [2]", "w [2]", GraphKind.KERAS_MODEL, Family.KERAS, "every variable has a value of its name, shape and type"),
        ("w [2]", "w [3]", GraphKind.KERAS_MODEL, Family.KERAS, "1 variables differ and 0 are not in it"),
        ("w [2]", "w [2]", GraphKind.KERAS_MODEL, Family.ARRAYS, "No loader of TensorFlow's or Keras's brings this file"),
        ("w [2]", "w [3]", GraphKind.TENSORFLOW_1, Family.KERAS, "1 variables differ and 0 are not in it"),
    ],
)  # fmt: skip
def test_the_load_says_what_it_would_do(
    graph: str, checkpoint: str, kind: GraphKind, family: Family, said: str
) -> None:
    assert said in outcome(compared(graph, checkpoint, kind, family))


def test_only_a_known_load_that_gives_what_is_meant_is_a_fit() -> None:
    known = compared("w [2]", "w [2]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW)
    unknown = compared("w [2]", "w [2]", GraphKind.KERAS_MODEL, Family.ARRAYS)
    assert known.fits
    assert verdict(known) == "The checkpoint fits the graph."
    assert unknown.clean
    assert not unknown.fits
    assert verdict(unknown) == "Every variable has a value of its name, shape and type in this file."
