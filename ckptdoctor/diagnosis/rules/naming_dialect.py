"""naming-dialect: another library's names for the same variables.

## What it does
Recognises the same network in other words: slim's `weights` and `biases` for Keras's `kernel` and `bias`, TensorFlow 1.2's
renamed cells, `BatchNorm/gamma` for `bn/gamma`, `layer_with_weights-0/kernel/.ATTRIBUTES/VARIABLE_VALUE` for the first
layer of a Keras model, and families of names whose numbers correspond (`conv3/conv3_2` and `block3_conv2`).

## Why is this bad
No name is found, so a restore by name fails, and Keras's `load_weights(by_name=True)` silently loads nothing.

## Example
`block3_conv2/kernel` in the graph is `vgg_16/conv3/conv3_2/weights` in the checkpoint.

## Fix safety
Safe where the words translate one to one, or all numbers of a family correspond and every shape agrees.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.renames import report_renamings
from ckptdoctor.specs.graph import GraphKind

RULE = Rule("CKD105", "naming-dialect", "error")

FIRES = (
    Example("a/kernel [4,8]\na/bias [8]", "a/weights [4,8]\na/biases [8]"),
    Example(
        "block1_conv1/kernel [3,3,3,8]\nblock1_conv2/kernel [3,3,8,8]\nblock2_conv1/kernel [3,3,8,16]",
        "vgg/conv1/conv1_1/weights [3,3,3,8]\nvgg/conv1/conv1_2/weights [3,3,8,8]\nvgg/conv2/conv2_1/weights [3,3,8,16]",
    ),
)
SILENT = (Example("a/kernel [4,8]", "a/kernel [4,8]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each way in which names correspond."""
    message = "the checkpoint names the same layers differently ({count} variables)."
    if case.alignment.graph.kind is GraphKind.KERAS_MODEL and case.alignment.inventory.is_keras:
        message = "the file has the same layers where load_weights of this model does not look ({count} variables)."
    yield from report_renamings(case, RULE, ("recorded", "dialect", "pattern", "object order"), message)
