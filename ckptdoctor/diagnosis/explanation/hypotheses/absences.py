"""Keys that the checkpoint lacks: what kind of variable each is tells why."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom
from ckptdoctor.libraries.training_state import training_state

_TWICE = re.compile(r"(.*/)?(beta[12]_power|global_step|Variable|conv2d|dense)_([1-9]\d*)(/.*)?")
_NORMALISED = re.compile(r"inception|resnet|mobilenet|densenet|conv2d_\d[a-z]|xception|nasnet", re.IGNORECASE)
_STATISTICS = re.compile(r"moving_(mean|variance)|batch_?norm", re.IGNORECASE)
_RECURRENT = re.compile(r"(lstm|gru|rnn)_cell.*/(bias|biases|kernel|weights)$", re.IGNORECASE)
_QUANTIZED = re.compile(r"quant(/|_|ize|$)|act_quant|weights_quant", re.IGNORECASE)
_PART = re.compile(r"(.+)/part_\d+(?:/.*)?")
_OWN_RUN = re.compile(r"(?:parameters from|output|model_dir)\S* *\S*ckpt-\d+", re.IGNORECASE)
_DEEP = re.compile(r"(?:layer|block|unit)_?(\d+)/")
_DETECTOR = re.compile(r".*/(block(8|9|1\d)(_box)?|conv(8|9|1\d)_\d|extra\w*|rpn\w*|bbox\w*)/")
_CHECKPOINT = re.compile(r"checkpoint files? (\S+)")


def absences(symptom: Symptom) -> Iterator[Cause]:
    """Causes of missing keys and of variables that nothing initialised."""
    for name in symptom.uninitialized:
        if _STATISTICS.search(name):
            yield Cause(
                "batchnorm-statistics",
                0.92,
                f"{name} was never restored: the Saver kept trainable variables only.",
                ("Save tf.global_variables(), or add the moving averages to the Saver's list.",),
            )
    for key in symptom.missing:
        yield from _absent(key, symptom)


def _absent(key: str, symptom: Symptom) -> Iterator[Cause]:
    state = training_state(key)
    twice = _TWICE.fullmatch(key)
    if key == "_CHECKPOINTABLE_OBJECT_GRAPH":
        yield Cause(
            "not-a-checkpoint",
            0.7,
            "A secondary error: this is no TensorFlow 2 object checkpoint.",
            ("Restore it by name: tf.compat.v1.train.Saver. What it holds: ckptdoctor inspect CHECKPOINT",),
        )
    elif twice and (state or twice[2] in ("beta1_power", "beta2_power")):
        yield Cause(
            "graph-built-twice",
            0.9,
            f"The number in {key}: the graph was built {int(twice[3]) + 1} times in one process.",
            ("Call tf.reset_default_graph() before each build.",),
        )
        yield Cause("optimizer-slots", 0.5, f"{key} belongs to an optimizer.")
    elif state and state.kind == "moving average":
        yield Cause(
            "moving-averages",
            0.95,
            f"{key} is a moving average, and the checkpoint holds the raw variables.",
            ("Restore without ema.variables_to_restore().",),
        )
    elif state and state.kind == "slot":
        yield Cause(
            "optimizer-slots",
            0.95,
            f"{key} belongs to an optimizer that the checkpoint was not saved with.",
            ("Restore the network's variables only; ckptdoctor diff prints the code.",),
        )
    elif state:
        yield Cause("global-step", 0.93, f"{key} counts steps.", ("Leave it out of the restore.",))
    elif part := _PART.fullmatch(key):
        yield Cause(
            "partitioned-variable",
            0.93,
            f"{key} is a part of {part[1]}: the graph's partitioner differs from that of training.",
            ("Save and restore through one Saver of the partitioned variable, whose key is its whole name.",),
        )
    elif _QUANTIZED.search(key):
        yield Cause(
            "quantization-variables",
            0.9,
            f"{key} is made by the quantisation rewrite.",
            ("Restore before the rewrite, or leave these variables out.",),
        )
    else:
        yield from _of_the_network(key, symptom)


def _of_the_network(key: str, symptom: Symptom) -> Iterator[Cause]:
    if _RECURRENT.search(key):
        yield Cause(
            "naming-dialect",
            0.88,
            f"{key}: TensorFlow 1.2 renamed weights to kernel and biases to bias in its cells.",
            ('Rename the keys: plan steps op = "rename" for ckptdoctor convert --plan.',),
        )
    if key.endswith(("/biases", "/bias")) and _NORMALISED.search(key):
        yield Cause(
            "bias-for-batchnorm",
            0.88,
            f"{key}: a bias in a network that normalises instead: its arg_scope is missing.",
            ("Build the network under its arg_scope (normalizer_fn=slim.batch_norm).",),
        )
    elif _STATISTICS.search(key):
        yield Cause(
            "bias-for-batchnorm", 0.62, f"{key}: the graph normalises, the checkpoint's network has biases.", ()
        )
        yield Cause(
            "batchnorm-statistics", 0.61, f"{key}: statistics that a Saver of trainable variables leaves out.", ()
        )
    if deep := _DEEP.search(key):
        yield Cause(
            "other-depth",
            0.52,
            f"{key} is of layer {deep[1]}: the checkpoint's network may be shallower.",
            ("Compare the number of layers: ckptdoctor inspect CHECKPOINT",),
        )
    own = bool(_OWN_RUN.search(symptom.text))
    yield Cause(
        "stale-checkpoint",
        0.83 if key.startswith("output_") else 0.6 if own else 0.3,
        "A numbered checkpoint of an earlier run was restored from the output directory."
        if own
        else "An earlier run's checkpoint?",
        ("Point the output directory elsewhere, or look into it: ckptdoctor inspect DIRECTORY",),
    )
    if _DETECTOR.match(key):
        yield Cause(
            "missing-variable",
            0.88,
            f"{key} is of the detector, which a classification network's checkpoint does not have.",
            ("Leave it out of the restore and initialise it; ckptdoctor diff prints the code.",),
        )
    file = _CHECKPOINT.search(symptom.text)
    scope = key.split("/", maxsplit=1)[0]
    stem = re.split(r"[\\/]", file[1])[-1].split(".")[0] if file else ""
    foreign = bool(stem) and scope not in stem and stem not in scope
    yield Cause(
        "scope-prefix",
        0.8 if foreign else 0.5,
        f"{key} starts with {scope}/; the checkpoint may use another scope.",
        ("Compare the names: ckptdoctor inspect CHECKPOINT --table",),
    )
    yield Cause(
        "missing-variable",
        0.46,
        f"{key} may have had another name when the checkpoint was saved.",
        ("Check out the code of that time, or rename.",),
    )
    yield Cause(
        "missing-variable",
        0.44,
        f"{key} may be of a layer that was added since.",
        ("Leave it out of the restore and initialise it; ckptdoctor diff prints the code.",),
    )
