"""Keras's `load_weights` of a file of Keras's own, which goes by the model's structure."""

from __future__ import annotations

from ckptdoctor.loaders.restore import Restore
from ckptdoctor.specs.graph import GraphKind


def loads(restore: Restore) -> bool:
    """A Keras model and a file of Keras's."""
    return restore.inventory.is_keras and restore.graph.kind is GraphKind.KERAS_MODEL


def sentence(restore: Restore) -> str:
    """How many variables are not as the model has them, or not where it looks."""
    wrong, absent = len(restore.wrong_shape), len(restore.absent)
    if wrong or absent:
        return (
            f"model.load_weights would fail, or skip: {wrong} variables differ, and {absent} are not where Keras looks."
        )
    return "model.load_weights goes by the layers' order: every variable of the model is in the file with its shape."
