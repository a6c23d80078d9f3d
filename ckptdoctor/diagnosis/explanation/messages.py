"""Recognising the messages of TensorFlow 1 and 2 and of Keras 1, 2 and 3.

The forms are those of the frameworks' own sources: `Assign requires shapes …` (core/kernels/assign_op.h), `Key … not
found in checkpoint` (core/kernels/save_restore_tensor.cc), `Tensor name … not found` (c/checkpoint_reader.cc), `Shape of
variable … doesn't match` (python/training/checkpoint_utils.py), `Received incompatible tensor` (python/training/saving),
and of Keras's saving modules.
"""

from __future__ import annotations

import re

from ckptdoctor.diagnosis.explanation.symptom import Mismatch, Symptom
from ckptdoctor.specs.tensor import Shape

_SHAPE = r"[\[(]([\d, ]*?),?[\])]"
_LHS_RHS = re.compile(rf"lhs shape\s*=\s*{_SHAPE}\s*rhs shape\s*=\s*{_SHAPE}")
_SHAPES_ARE = re.compile(rf"Shapes are {_SHAPE} and {_SHAPE}")
_INPUT_SHAPES = re.compile(rf"with input shapes: {_SHAPE}, {_SHAPE}")
_READER = re.compile(
    rf"Shape of variable (\S+?)(?::\d+)? \({_SHAPE}\) doesn't match with shape of tensor \S+ \({_SHAPE}\)"
)
_INCOMPATIBLE = re.compile(
    rf"Received incompatible tensor with shape {_SHAPE} when attempting to restore variable with shape {_SHAPE}"
    r"(?: and name (\S+))?"
)
_KERAS_WEIGHT = re.compile(rf"Layer weight shape {_SHAPE} not compatible with provided weight shape {_SHAPE}")
_KERAS_SKIPPED = re.compile(rf"layer (\S+) due to mismatch in shape \({_SHAPE} vs {_SHAPE}\)")
_KERAS_SAVED = re.compile(
    rf'named "(\S+?)"\).{{0,200}}? has shape {_SHAPE}, but the saved weight has shape [(\[]([\d, ]+)'
)
_KERAS_ASSIGN = re.compile(
    rf"variable\.shape={_SHAPE}, Received: value\.shape={_SHAPE}(?:\. Target variable: <\S+ path=(\S+?),)?"
)
_ASSIGN_VALUE = re.compile(
    rf"assign to variable (\S+?)(?::\d+)? due to variable shape {_SHAPE} and value shape {_SHAPE}"
)
_FEED = re.compile(
    rf"feed value of shape {_SHAPE} for Tensor '([^']+?)(?:/Initializer[^']*)?', which has shape '{_SHAPE}'"
)
_SKIPPED = re.compile(
    rf"Variable \[(\S+?)\].{{0,120}}?Checkpoint shape: \[{_SHAPE}\], model variable shape: \[{_SHAPE}\]"
)
_OWNER = re.compile(
    r"\(([\w./-]+), \w+/RestoreV2|Assign\[[^\]]*?\]\(([\w./-]+)|_class=\[\"loc:@([^\"]+)\"\]|for '([^']+?)(?:_\d+)?/Assign"
)
_MISSING = re.compile(r"Key (\S+) not found in checkpoint|Tensor name \"([^\"]+)\" not found in checkpoint")
_UNINITIALIZED = re.compile(r"uninitialized value (\S+)")
_LAYERS = re.compile(r"weight file containing (\d+) layers into a model with (\d+) layers")
_LAYERS_3 = re.compile(r"[Mm]odel expected (\d+) layers, found (\d+) saved layers")
_WEIGHTS = re.compile(r"expects (\d+) weights, but the saved weights have (\d+) elements")
_VARIABLES = re.compile(r"expected (\d+) variables, but received (\d+)")
_NOT_FOUND = re.compile(r"matching files (?:on|for) (\S+)|table file (\S+?):? |No such file or directory: '?([^'\s]+)")


def recognise(text: str) -> Symptom:
    """What a text reports; a symptom with nothing in it if it is no message that is known."""
    line = " ".join(text.split())
    counts = _LAYERS.search(line)
    layers = (int(counts[1]), int(counts[2])) if counts else None
    if match := _LAYERS_3.search(line):
        layers = (int(match[2]), int(match[1]))
    weights = None
    if match := _WEIGHTS.search(line) or _VARIABLES.search(line):
        weights = (int(match[2]), int(match[1]))
    paths = _NOT_FOUND.search(line)
    return Symptom(
        line,
        tuple(dict.fromkeys(_mismatches(line))),
        tuple(dict.fromkeys(match[1] or match[2] for match in _MISSING.finditer(line))),
        tuple(dict.fromkeys(match[1] for match in _UNINITIALIZED.finditer(line))),
        layers,
        weights,
        next((group for group in paths.groups() if group), "") if paths else "",
    )


def _mismatches(line: str) -> list[Mismatch]:
    mismatches = [
        Mismatch(_owner(line[match.end() :]), _shape(match[1]), _shape(match[2])) for match in _LHS_RHS.finditer(line)
    ]
    if not mismatches:
        stated = _SHAPES_ARE.search(line) or _INPUT_SHAPES.search(line)
        mismatches = [Mismatch(_owner(line), _shape(stated[1]), _shape(stated[2]))] if stated else []
    for pattern in (_READER, _ASSIGN_VALUE):
        mismatches += [Mismatch(match[1], _shape(match[2]), _shape(match[3])) for match in pattern.finditer(line)]
    mismatches += [
        Mismatch(match[3] or "", _shape(match[2]), _shape(match[1])) for match in _INCOMPATIBLE.finditer(line)
    ]
    mismatches += [
        Mismatch(match[3] or "", _shape(match[1]), _shape(match[2])) for match in _KERAS_ASSIGN.finditer(line)
    ]
    mismatches += [Mismatch(match[2], _shape(match[3]), _shape(match[1])) for match in _FEED.finditer(line)]
    mismatches += [Mismatch(match[1], _shape(match[3]), _shape(match[2])) for match in _SKIPPED.finditer(line)]
    mismatches += [Mismatch("", _shape(match[1]), _shape(match[2])) for match in _KERAS_WEIGHT.finditer(line)]
    for pattern in (_KERAS_SKIPPED, _KERAS_SAVED):
        mismatches += [_untransposed(match[1], _shape(match[2]), _shape(match[3])) for match in pattern.finditer(line)]
    return mismatches


def _untransposed(name: str, lhs: Shape, rhs: Shape) -> Mismatch:
    """Keras before 2.4 prints a stored kernel as [out,in,kh,kw] where the model's is [kh,kw,in,out]."""
    if len(lhs) == 4 and len(rhs) == 3 and rhs[2] == lhs[0] == lhs[1]:
        rhs = (*rhs, lhs[1])  # a message that was cut off within the shape
    if len(lhs) == len(rhs) == 4 and (rhs[2:] == lhs[:2] or rhs[2] == rhs[3] < rhs[1]):
        rhs = (rhs[2], rhs[3], rhs[1], rhs[0])
    return Mismatch(name, lhs, rhs)


def _owner(text: str) -> str:
    """The variable that an Assign node is for; TensorFlow's own names for nodes (`Assign_682`) name none."""
    match = _OWNER.search(text)
    name = next((group for group in match.groups() if group), "") if match else ""
    return "" if re.fullmatch(r"(save/)?Assign(_\d+)?", name) else name


def _shape(text: str) -> Shape:
    return tuple(int(size) for size in re.findall(r"\d+", text))
