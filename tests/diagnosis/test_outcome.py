"""What is said of a restore, by the loader that is used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ckptdoctor.alignment.alignment import align
from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.outcome import outcome
from ckptdoctor.specs.graph import GraphKind
from ckptdoctor.specs.inventory import Family


def pair(graph: str, checkpoint: str, kind: GraphKind, family: Family) -> Alignment:
    example = Example(graph, checkpoint)
    return align(replace(example.graph_spec(), kind=kind), replace(example.inventory(), family=family))


@pytest.mark.parametrize(
    ("graph", "checkpoint", "kind", "family", "said"),
    [
        ("w [2]", "w [2]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "It would succeed"),
        ("w [2]", "v [3]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "Key w not found in checkpoint"),
        ("w [2]", "w [3]", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "lhs shape= [2] rhs shape= [3]"),
        ("w [2] resource", "w [3]", GraphKind.TENSORFLOW_2, Family.TENSORFLOW, "TensorFlow would say nothing"),
        ("w [2]", "w [2] float16", GraphKind.TENSORFLOW_1, Family.TENSORFLOW, "float16 and restored as float32"),
        ("w [2]", "w [2]", GraphKind.OBJECTS, Family.TENSORFLOW, "tf.train.Checkpoint.restore succeeds"),
        ("w [2]", "w [3]", GraphKind.OBJECTS, Family.TENSORFLOW, "incompatible tensor with shape (3,)"),
        ("w [2]\nv [3]", "w [2]", GraphKind.OBJECTS, Family.TENSORFLOW, "1 variables keep their values"),
        ("w [2]", "w [2]", GraphKind.KERAS_MODEL, Family.KERAS, "model.load_weights goes by the layers' order"),
        ("w [2]", "w [3]", GraphKind.KERAS_MODEL, Family.KERAS, "would fail, or skip: 1 variables differ, and 0"),
        ("w [2]", "w [2]", GraphKind.KERAS_MODEL, Family.ARRAYS, "converted to a checkpoint, every variable is in it"),
        ("w [2]", "w [3]", GraphKind.TENSORFLOW_1, Family.KERAS, "1 variables differ and 0 are missing"),
    ],
)  # fmt: skip
def test_the_loader_that_is_used_says_what_it_would_do(
    graph: str, checkpoint: str, kind: GraphKind, family: Family, said: str
) -> None:
    assert said in outcome(pair(graph, checkpoint, kind, family))
