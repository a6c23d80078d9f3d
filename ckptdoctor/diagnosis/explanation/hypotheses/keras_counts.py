"""Keras counts layers, and the weights of each."""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom

_FAR_APART = 2


def keras_counts(symptom: Symptom) -> Iterator[Cause]:
    """Causes of another number of layers, or of weights in a layer."""
    if symptom.layers:
        stored, model = symptom.layers
        if model == 0 or "has not been built" in symptom.text:
            yield Cause(
                "keras-model-not-built",
                0.93,
                "The model has no weights yet.",
                ("Call the model once, or build() it, first.",),
            )
        if stored == 1 and model > 1:
            yield Cause(
                "multi-gpu-wrapper",
                0.9,
                f"One stored layer that holds the network, {model} in the model: saved from a wrapper.",
                ("Load into the wrapper and take its inner model (model.layers[-2]), then save that.",),
            )
        far = max(stored, model) > _FAR_APART * max(1, min(stored, model))
        yield Cause(
            "not-a-checkpoint",
            0.8 if not stored else 0.75 if far and stored > 1 else 0.4,
            f"{stored} and {model} layers are different networks: another file?",
            ("Compare the file's layers with the model's.",),
        )
        yield Cause(
            "layer-count",
            0.72 if stored else 0.5,
            f"{stored} layers with weights are stored, the model has {model}.",
            ("Load by name, or build the model that was saved.",),
        )
    if symptom.weights:
        stored, expected = symptom.weights
        if abs(stored - expected) == 1:
            yield Cause(
                "bias-for-batchnorm",
                0.85,
                f"{stored} weights stored, {expected} expected: a bias on one side only (use_bias).",
                ("Set use_bias as it was when the weights were saved.",),
            )
        yield Cause(
            "keras-model-not-built",
            0.9 if expected == 0 else 0.3,
            f"The layer expects {expected} weights.",
            ("Build the model first.",),
        )
        yield Cause("layer-count", 0.5, f"{stored} weights stored, {expected} expected.", ())
