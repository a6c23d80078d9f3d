"""Which variable is which in two libraries' versions of one architecture.

Written down from both sources: tf_slim/nets/vgg.py, resnet_v1.py; keras/src/applications/vgg16.py, vgg19.py, resnet.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ckptdoctor.specs.graph import Variable

_LEAVES = {"weights": "kernel", "biases": "bias"}


def vgg(slim: Sequence[Variable], keras: Sequence[Variable]) -> dict[str, str]:
    """slim's names to Keras's."""
    dense = {"fc6": "fc1", "fc7": "fc2", "fc8": "predictions"}
    found = {}
    for item in slim:
        _, *scope, leaf = item.key.split("/")
        match = re.fullmatch(r"conv(\d)_(\d)", scope[-1])
        layer = f"block{match[1]}_conv{match[2]}" if match else dense[scope[-1]]
        found[item.key] = f"{layer}/{_LEAVES[leaf]}"
    return _present(found, keras)


def resnet(slim: Sequence[Variable], keras: Sequence[Variable]) -> dict[str, str]:
    """slim's names to Keras's; Keras has a bias before each normalisation, which slim has not."""
    found = {}
    for item in slim:
        _, *scope, leaf = item.key.split("/")
        normalised = scope[-1] == "BatchNorm"
        if normalised:
            scope.pop()
        if scope == ["logits"]:
            layer = "predictions"
        else:
            kind = "bn" if normalised else "conv"
            if scope == ["conv1"]:
                layer = f"conv1_{kind}"
            else:
                block, unit, _, part = scope
                number = 0 if part == "shortcut" else int(part[-1])
                layer = f"conv{int(block[-1]) + 1}_block{unit.split('_')[1]}_{number}_{kind}"
        found[item.key] = f"{layer}/{_LEAVES.get(leaf, leaf)}"
    return _present(found, keras)


def _present(found: dict[str, str], keras: Sequence[Variable]) -> dict[str, str]:
    """The pairs, after looking that each name exists on Keras's side."""
    absent = set(found.values()) - {item.key for item in keras}
    if absent:
        raise ValueError(f"no such variables: {sorted(absent)[:3]}")
    return found


TRUTHS = {("vgg_16", "VGG16"): vgg, ("vgg_19", "VGG19"): vgg, ("resnet_v1_50", "ResNet50"): resnet}
