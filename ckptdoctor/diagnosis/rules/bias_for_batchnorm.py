"""bias-for-batchnorm: a bias on one side, batch normalisation on the other.

## What it does
Finds layers that have a bias in the graph and BatchNorm's variables in the checkpoint, or the other way round. It also
finds the harmless relative: both sides normalise, and one has a bias as well.

## Why is this bad
A network that was built outside its `arg_scope` is another network: `conv1/biases` is not found, and loading the kernels
alone gives wrong activations.

## Example
`resnet_v1_50/conv1/biases not found`: `resnet_arg_scope()` was forgotten.

## Fix safety
Display only: build the graph under its arg_scope. A bias in front of BatchNorm has no effect: zeros compute the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ckptdoctor.alignment.layers import Item
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names
from ckptdoctor.libraries import batch_norm
from ckptdoctor.libraries.name import read_name

RULE = Rule("CKD112", "bias-for-batchnorm", "error")

FIRES = (
    Example(
        "n/a/weights [3,3,3,8]\nn/a/biases [8]\nn/b/weights [3,3,8,8]\nn/b/biases [8]",
        "n/a/weights [3,3,3,8]\nn/a/BatchNorm/gamma [8]\nn/a/BatchNorm/moving_mean [8]\n"
        "n/b/weights [3,3,8,8]\nn/b/BatchNorm/gamma [8]\nn/b/BatchNorm/moving_mean [8]",
    ),
    Example(
        "n/a/weights [3,3,3,8]\nn/a/biases [8]\nn/a/BatchNorm/beta [8]\nn/a/BatchNorm/moving_mean [8]\n"
        "n/b/weights [3,3,8,8]\nn/b/biases [8]\nn/b/BatchNorm/beta [8]\nn/b/BatchNorm/moving_mean [8]",
        "n/a/weights [3,3,3,8]\nn/a/BatchNorm/beta [8]\nn/a/BatchNorm/moving_mean [8]\n"
        "n/b/weights [3,3,8,8]\nn/b/BatchNorm/beta [8]\nn/b/BatchNorm/moving_mean [8]",
    ),
)
SILENT = (Example("n/a/weights [3,8]\nn/new/biases [8]", "n/a/weights [3,8]"),)

_FEWEST = 2


def check(case: Case) -> Iterator[Diagnostic]:
    """At most two findings: normalisation on one side, biases that have no effect."""
    biases = [item for item in case.missing if read_name(item.key).role == "bias"]
    norms = [item for item in case.unexpected if _is_norm(item.key)]
    stored_biases = [item for item in case.unexpected if read_name(item.key).role == "bias"]
    wanted_norms = [item for item in case.missing if _is_norm(item.key)]
    if _facing(biases, norms):
        yield about_names(
            RULE,
            "the graph has biases where the checkpoint's network normalises.",
            "certain",
            biases,
            norms,
            [_count(biases, norms)],
            (
                Remedy(
                    "build the network under its arg_scope (such as resnet_v1.resnet_arg_scope()), "
                    "or with batch normalisation",
                    "display-only",
                ),
            ),
        )
        return
    if _facing(stored_biases, wanted_norms):
        yield about_names(
            RULE,
            "the graph normalises where the checkpoint's network has biases.",
            "certain",
            wanted_norms,
            stored_biases,
            [_count(stored_biases, wanted_norms)],
            (Remedy("build the network without batch normalisation, as it was trained", "display-only"),),
        )
        return
    paired = {read_name(pair.variable.key).scope for pair in case.alignment.pairs}
    biases = [item for item in biases if read_name(item.key).scope in paired]
    if not wanted_norms and len(biases) >= _FEWEST and _normalised(case) >= len(biases):
        yield about_names(
            Rule(RULE.code, RULE.name, "warning"),
            f"{len(biases)} biases have no counterpart: the checkpoint's layers have none, because BatchNorm follows them.",
            "certain",
            biases,
            (),
            [
                f"{listed([item.key for item in biases], 3)}; the kernels and the normalisation behind them are there.",
                "BatchNorm subtracts the mean, and a bias with it: zeros compute the same.",
            ],
            (
                Remedy(
                    "build these layers without a bias (use_bias=False), or initialise it with zeros and restore the rest",
                    "display-only",
                ),
            ),
        )


def _is_norm(key: str) -> bool:
    return read_name(key).role in batch_norm.ROLES


def _facing(biases: Sequence[Item], norms: Sequence[object]) -> bool:
    """Whether the layers of these biases are those of this normalisation."""
    scopes = {read_name(item.key).tokens for item in biases}
    normed = set()
    for item in norms:
        tokens = read_name(item.key).tokens  # type: ignore[attr-defined]
        normed.add(tokens[:-1] if tokens and tokens[-1] == "norm" else tokens)
    return len(scopes & normed) >= min(_FEWEST, len(scopes)) > 0


def _normalised(case: Case) -> int:
    """How many normalised layers the two sides have in common."""
    return sum(read_name(pair.variable.key).role == "moving_mean" for pair in case.alignment.pairs)


def _count(biases: Sequence[Item], norms: Sequence[Item]) -> str:
    return f"{listed([item.key for item in biases], 2)} against {listed([item.key for item in norms], 2)}."
