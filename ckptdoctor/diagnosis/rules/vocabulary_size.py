"""vocabulary-size: the vocabulary, alphabet or number of positions is another one.

## What it does
Finds embedding tables `[entries,width]` whose number of rows differs, and everything else that has the same two sizes:
the output projection and its bias.

## Why is this bad
The restore fails. Cutting or padding the table would be worse: row i is the i-th entry of the vocabulary of training, and
another vocabulary has another word there.

## Example
`bert/embeddings/word_embeddings`: `lhs [5981,768] vs rhs [21128,768]`.

## Fix safety
Display only: use the vocabulary file of training.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, changes, only_change
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.diagnosis.parameters import keyword
from ckptdoctor.libraries.name import read_name

RULE = Rule("CKD206", "vocabulary-size", "error")

FIRES = (
    Example(
        "bert/embeddings/word_embeddings [5981,768]\ncls/predictions/output_bias [5981]",
        "bert/embeddings/word_embeddings [21128,768]\ncls/predictions/output_bias [21128]",
    ),
    Example("decoder/lookup [200,16] GatherV2", "decoder/lookup [300,16]"),
)
SILENT = (Example("net/fc/weights [200,16] MatMul\nnet/o/w [2,2]", "net/fc/weights [300,16]\nnet/o/w [2,2]"),)

_TABLE = re.compile(r"embed|vocab|lookup", re.IGNORECASE)
_LOOKUPS = ("GatherV2", "Gather", "ResourceGather", "Embedding", "OneHot")
_POSITIONS = re.compile(r"position", re.IGNORECASE)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each table, with all that has its two sizes."""
    explained: set[str] = set()
    for pair in case.mismatched:
        change = only_change(pair)
        if change is None or change.axis != 0 or len(pair.variable.spec.shape) != 2 or pair.entry.key in explained:
            continue
        use = pair.variable.consumer
        table = _TABLE.search(pair.variable.name) or read_name(pair.variable.key).role == "embeddings"
        if table or (use and use.op in _LOOKUPS):
            same = [
                other
                for other in case.mismatched
                if other is not pair
                and (differing := changes(other))
                and all((item.lhs, item.rhs) == (change.lhs, change.rhs) for item in differing)
            ]
            explained.update(other.entry.key for other in (pair, *same))
            yield about_pairs(RULE, _message(change), "certain", [pair, *same], *_advice(case, change, bool(table)))


def _message(change: Change) -> str:
    what = "positions" if _POSITIONS.search(change.pair.variable.name) else "entries"
    return f"the checkpoint's table has {change.rhs} {what}, the graph's has {change.lhs}."


def _advice(case: Case, change: Change, named: bool) -> tuple[list[str], list[Remedy]]:
    if _POSITIONS.search(change.pair.variable.name):
        setting = keyword(case, "position|length", {change.lhs: change.rhs})
        return (
            [f"One row for each position: the longest sequence of training had {change.rhs}."],
            [Remedy("build the graph for as many positions as were trained", "display-only", setting)],
        )
    how = "It is named as a table" if named else "The graph looks rows up in it"
    use = Remedy(
        f"use the vocabulary of training, of {change.rhs} entries",
        "display-only",
        keyword(case, "vocab|token|entries|words|alphabet|char", {change.lhs: change.rhs}),
    )
    return [f"{how}: one row for each entry of the vocabulary, {change.lhs} and {change.rhs}."], [use]
