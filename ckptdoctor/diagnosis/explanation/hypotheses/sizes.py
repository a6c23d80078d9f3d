"""Dimensions that a configuration sets: vocabulary, width, input, variant; and the wrong checkpoint altogether."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import gcd

from ckptdoctor.diagnosis.explanation.symptom import Cause, Mismatch, Symptom
from ckptdoctor.libraries.training_state import training_state

_RECURRENT = re.compile(r"lstm|gru|rnn|seq2seq|attention|cell", re.IGNORECASE)
_EMBEDDING = re.compile(r"embed|vocab|char|word|token|lookup", re.IGNORECASE)
_DENSE = re.compile(r"dense|fc\d*|fully|flatten|linear|output", re.IGNORECASE)
_TRANSFORMER = re.compile(r"bert|transformer|encoder/layer|gpt|electra", re.IGNORECASE)
_NARROWED = re.compile(r"mobilenet|shufflenet|expanded_conv|efficientnet", re.IGNORECASE)
_NORMALISED = re.compile(r"norm|gamma|beta|moving_", re.IGNORECASE)
_IMAGE_CHANNELS = 16
_GATES = ((4, "LSTM gates"), (3, "GRU gates"))
_SMALL = 64
_CHANNELS = 32
_SEVERAL = 3
_WORDS = 1000
_FACTORISED = 128
_LETTERS = re.compile(r"(^|/)([bh]6|layer_6)(/|$)")
_PROJECTION = re.compile(r"fully_connected|logits|dense|softmax", re.IGNORECASE)
_SLOT = re.compile(r"\]\(([\w./-]+/(?:Adam|Momentum|RMSProp|Adagrad|Ftrl|adam_[mv])(?:_\d+)?),")


def sizes(symptom: Symptom) -> Iterator[Cause]:
    """Causes in one dimension."""
    for mismatch in symptom.mismatches:
        yield from _size(mismatch)
    if len({mismatch.variable for mismatch in symptom.mismatches}) >= _SEVERAL:
        yield Cause(
            "other-depth",
            0.86,
            f"{len(symptom.mismatches)} layers differ, not only the last: another network.",
            ("Build the variant that the file is of, or take the file of this variant.",),
        )
    if "Assign requires shapes" in symptom.text or symptom.mismatches:
        yield from _stale(symptom)


def _size(mismatch: Mismatch) -> Iterator[Cause]:
    lhs, rhs, name = mismatch.lhs, mismatch.rhs, mismatch.variable
    if len(lhs) == len(rhs) == 4 and lhs[2:] == rhs[2:]:
        yield Cause(
            "input-size",
            0.6,
            f"Kernels of {lhs[0]}x{lhs[1]} and {rhs[0]}x{rhs[1]} over the same channels: made for maps of another size.",
            ("Use the input resolution of training.",),
        )
    if len(mismatch.differing) != 1:
        if len(mismatch.differing) > 1:
            yield Cause(
                "other-depth",
                0.45,
                f"Several dimensions differ: {lhs} and {rhs}.",
                ("Compare the configurations.",),
            )
            yield Cause(
                "hidden-width",
                0.5,
                f"Several dimensions differ: {lhs} and {rhs}.",
                ("Compare the layers' widths.",),
            )
        return
    axis = mismatch.differing[0]
    graph, stored = lhs[axis], rhs[axis]
    last = axis == len(lhs) - 1
    if _NARROWED.search(name):
        yield Cause(
            "width-multiplier",
            0.88,
            f"{graph}/{stored} is {graph / stored:.3g} of the stored width.",
            ("Set the depth or width multiplier that the checkpoint was trained with.",),
        )
    if len(lhs) == 4 and axis == 2:
        if max(graph, stored) <= _IMAGE_CHANNELS:
            yield Cause(
                "input-channels",
                0.9,
                f"The first kernel takes {graph} channels, the stored one {stored}.",
                (f"Feed images of {stored} channels, or train the first layer anew.",),
            )
        else:
            yield Cause(
                "framework-version-difference",
                0.6 if ".ATTRIBUTES" in name else 0.3,
                "A layer in the middle takes another number of channels: layers are numbered in another order.",
                ("Save and load with one version of framework and code.",),
            )
            yield Cause("other-depth", 0.55, f"Input channels {graph} and {stored}.", ("Compare the architectures.",))
    yield from _transformer(mismatch, axis, graph, stored)
    if last and _LETTERS.search(name):
        yield Cause(
            "vocabulary-size",
            0.9,
            f"DeepSpeech's last layer has a unit for each letter and one for the blank: {graph - 1} and {stored - 1} letters.",
            (f"Use the alphabet of training, of {stored - 1} letters.",),
        )
    if len(lhs) == 2 and axis == 0:
        flattened = bool(_DENSE.search(name)) and not _EMBEDDING.search(name)
        common = gcd(graph, stored)
        yield Cause(
            "input-size",
            0.85 if flattened else 0.55 if common >= _CHANNELS else 0.35,
            f"{graph} = {graph // common} x {common} and {stored} = {stored // common} x {common} rows: "
            "a map of another height x width was flattened.",
            ("Use the input resolution of training, or global pooling instead of a flatten.",),
        )
        yield Cause(
            "vocabulary-size",
            0.88 if _EMBEDDING.search(name) else 0.62 if min(graph, stored) >= _WORDS and common < _CHANNELS else 0.44,
            f"{graph} rows in the graph, {stored} stored: one a token.",
            (f"Use the vocabulary file of training, of {stored} entries.",),
        )
    if last and len(lhs) == 2 and not _EMBEDDING.search(name):
        yield Cause(
            "vocabulary-size",
            0.55 if not name and (graph % 4 or stored % 4) else 0.3,
            f"{graph} outputs in the graph, {stored} stored: one a symbol of the alphabet or vocabulary.",
            (f"Use the alphabet or vocabulary of training, of {stored} symbols.",),
        )
    if last and len(lhs) == 1 and not _NORMALISED.search(name):
        yield Cause(
            "vocabulary-size",
            0.38,
            f"A bias of {graph} in the graph, {stored} stored: one a symbol?",
            ("Compare the alphabet or vocabulary with that of training.",),
        )
    if last:
        gates = next(((count, what) for count, what in _GATES if graph % count == stored % count == 0), None)
        score = (
            0.85
            if _RECURRENT.search(name) and not _PROJECTION.search(name)
            else 0.62
            if len(lhs) == 1 and gates and min(graph, stored) > _SMALL
            else 0.35
        )
        evidence = f"{graph} units in the graph, {stored} stored"
        if gates:
            count, what = gates
            evidence += f"; {count} {what} x {graph // count} and x {stored // count} units"
        yield Cause("hidden-width", score, evidence + ".", ("Set the hidden size of training.",))


def _transformer(mismatch: Mismatch, axis: int, graph: int, stored: int) -> Iterator[Cause]:
    name = mismatch.variable
    if not _TRANSFORMER.search(name):
        return
    if "word_embeddings" in name and axis == 0:
        yield Cause(
            "vocabulary-size",
            0.95,
            f"vocab_size {graph} in the graph, {stored} stored.",
            (f"Use vocab_size={stored}.",),
        )
    elif "embeddings" in name and {graph, stored} & {_FACTORISED} and len(mismatch.lhs) == 1:
        yield Cause(
            "other-depth",
            0.9,
            f"Token vectors of {graph} and {stored}: ALBERT factorises its embeddings to {_FACTORISED}, BERT does not.",
            ("Build the variant that the checkpoint is of.",),
        )
    elif "embeddings" in name and axis == 1:
        yield Cause(
            "other-depth",
            0.85,
            f"Token vectors of {graph} and {stored}: ALBERT factorises its embeddings, BERT does not.",
            ("Build the variant that the checkpoint is of.",),
        )
        yield Cause(
            "hidden-width",
            0.7,
            f"hidden sizes {graph} and {stored}.",
            (f"Use the configuration file beside the checkpoint: {stored}.",),
        )
    else:
        yield Cause(
            "hidden-width",
            0.85,
            f"hidden_size {graph} in the configuration, {stored} stored.",
            ("Use the configuration file that lies beside the checkpoint.",),
        )
        yield Cause("other-depth", 0.6, f"{graph} and {stored}: base, large, tiny?", ("Build the stored variant.",))


def _stale(symptom: Symptom) -> Iterator[Cause]:
    """Another run's checkpoint lies in the output directory: any size may differ then."""
    rows = any(len(m.lhs) == 2 and m.differing == (0,) and not m.variable for m in symptom.mismatches)
    # A published checkpoint has no slots, so one that holds a slot of another shape is a training run's own.
    slot = bool(_SLOT.search(symptom.text)) or any(training_state(m.variable) for m in symptom.mismatches)
    # BERT's slots tell more: its Estimator resumes from the output directory, whatever init_checkpoint says.
    bert = slot and re.search(r"adam_[mv]\b", symptom.text) is not None
    score = 0.9 if bert else 0.845 if slot else 0.5 if rows else 0.36
    yield Cause(
        "stale-checkpoint",
        score,
        "A checkpoint of an earlier run with other settings is restored from the output directory.",
        ("Point model_dir to an empty directory, or look into it: ckptdoctor inspect DIRECTORY",),
    )
