"""layer-count: a Keras checkpoint has another number of layers with weights than the model.

## What it does
Counts the layers of `layer_with_weights-N` keys and those of the graph.

## Why is this bad
Keras pairs the layers by position: one layer more shifts all that follow, and weights of the right shape land in the
wrong layer.

## Example
`You are trying to load a weight file containing 16 layers into a model with 14 layers`.

## Fix safety
Display only: build the model with the layers it was saved with, or load by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.layers import group_layers
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries.dialects import OBJECT_LAYER
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.objects import OBJECT_VALUE

RULE = Rule("CKD115", "layer-count", "error")

FIRES = (
    Example(
        "a/kernel [4,4]\nb/kernel [4,2]",
        "\n".join(f"layer_with_weights-{n}/kernel{OBJECT_VALUE} [4,{size}]" for n, size in enumerate((4, 4, 2))),
    ),
)
SILENT = (
    Example(
        "a/kernel [4,4]\nb/kernel [4,2]",
        "\n".join(f"layer_with_weights-{n}/kernel{OBJECT_VALUE} [4,{size}]" for n, size in enumerate((4, 2))),
    ),
)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    numbers = {match[1] for key in case.alignment.inventory.variables if (match := OBJECT_LAYER.search(key))}
    network = [item for item in case.alignment.graph.variables if not training_state(item.key)]
    if not numbers or any(OBJECT_LAYER.search(item.key) for item in network):
        return
    layers = group_layers(network)
    stored = [entry for entry in case.unexpected if OBJECT_LAYER.search(entry.key) and not training_state(entry.key)]
    missing = [variable for variable in case.missing if not training_state(variable.key)]
    if (missing or stored) and len(numbers) != len(layers):
        yield about_names(
            RULE,
            f"the checkpoint has {len(numbers)} layers with weights, the model {len(layers)}.",
            "likely",
            missing,
            stored,
            ["Keras numbers layers with weights in their order; with another count no position can be trusted."],
            (Remedy("build the model with the layers that it was saved with", "display-only"),),
        )
