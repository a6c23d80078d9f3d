"""other-network: the checkpoint is of another network altogether.

## What it does
Says so when no variable of the graph has a counterpart, under any name that could be recognised.

## Why is this bad
Each key would be reported missing by itself, and none of these reports names the cause: the wrong file, or the wrong model.

## Example
`vgg_16.ckpt` restored into a ResNet.

## Fix safety
Display only: name the right checkpoint, or build the network it is of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries.training_state import training_state

RULE = Rule("CKD116", "other-network", "error")

FIRES = (
    Example(
        "\n".join(f"resnet/unit_{n}/w [3,3,{n},{n}]" for n in range(1, 6)),
        "\n".join(f"vgg/conv{n}/weights [5,5,{n},9]\nvgg/conv{n}/biases [9]" for n in range(1, 6)),
    ),
)
SILENT = (
    Example(
        "\n".join(f"net/unit_{n}/w [3,3,{n},{n}]" for n in range(1, 6)) + "\nhead/w [5,5]",
        "\n".join(f"net/unit_{n}/w [3,3,{n},{n}]" for n in range(1, 6)) + "\nold/w [5,7]",
    ),
)

_FEWEST = 4


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding, which explains every name."""
    missing = [item for item in case.missing if training_state(item.key) is None]
    unexpected = [item for item in case.unexpected if training_state(item.key) is None]
    paired = any(training_state(pair.variable.key) is None for pair in case.alignment.pairs)
    if paired or len(missing) < _FEWEST or len(unexpected) < _FEWEST:
        return
    yield about_names(
        RULE,
        "the checkpoint is of another network: not one variable of the graph is in it.",
        "likely",
        missing,
        unexpected,
        [
            f"The graph has {len(missing)} variables, in {_scopes(item.key for item in missing)}.",
            f"The checkpoint has {len(unexpected)}, in {_scopes(item.key for item in unexpected)}.",
        ],
        (
            Remedy("name the checkpoint of this network, or build the network of this checkpoint", "display-only"),
            Remedy(
                "if it is the same network under other names, tell convert how they correspond: "
                "--rename REGEX=REPLACEMENT, or --map FILE",
                "display-only",
            ),
        ),
    )


def _scopes(keys: Iterable[str]) -> str:
    """The outermost scopes that hold most."""
    counted = Counter(key.partition("/")[0] for key in keys)
    named = [scope for scope, _ in counted.most_common(3)]
    return ", ".join(named) + (f" and {len(counted) - 3} more scopes" if len(counted) > 3 else "")
