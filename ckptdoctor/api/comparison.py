"""A graph against a checkpoint, as a report that shows itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT, Args, GraphName, Inputs, graph_request
from ckptdoctor.api.names import NameMap, Renames, names_of
from ckptdoctor.api.opened import CheckpointName, OpenedCheckpoint, checkpoint_of
from ckptdoctor.diagnosis.case import Purpose
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.loaders.asked import Call
from ckptdoctor.specs.graph import GraphSpec

if TYPE_CHECKING:
    from ckptdoctor.conversion.renames import Names
    from ckptdoctor.conversion.wishes import Wishes
    from ckptdoctor.formats.checkpoint import Checkpoint
    from ckptdoctor.values.comparison import ValueDifference

__all__ = ["DiffReport", "Purpose", "Side", "compare", "diff", "side_of"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DiffReport(Diagnosis):
    """Every disagreement between a graph and a checkpoint, with causes and remedies.

    `str(report)` is what `ckptdoctor diff` prints; in a notebook it is the page that `--html` writes.

    Attributes:
        values: how the values of the variables differ, where that was asked for.
    """

    values: tuple[ValueDifference, ...] = ()

    def __repr__(self) -> str:
        sides = f"{self.alignment.graph.source} against {self.alignment.inventory.source}"
        counts = (
            f"{len(self.alignment.matched):,} matched, {len(self.alignment.mismatched):,} mismatched, "
            f"{len(self.alignment.missing):,} missing, {len(self.alignment.unexpected):,} unexpected"
        )
        codes = [f"{item.rule.code} {item.variable or item.key}" for item in self.findings]
        listed = ", ".join(codes[:3]) + (f" and {len(codes) - 3} more" if len(codes) > 3 else "")
        said = "it fits" if self.fits else "no findings" if self.clean else "it does not fit"
        return f"<diff of {sides}: {said}\n {counts}\n {listed or 'no findings'}>"

    def __str__(self) -> str:
        from ckptdoctor.reports.diff_text import print_diff
        from ckptdoctor.reports.plain_text import plain_text

        return plain_text(lambda console: print_diff(self, console))

    def to_dict(self) -> dict[str, Any]:
        """What `ckptdoctor diff --format json` prints, as plain values."""
        from ckptdoctor.reports.diff_json import diff_to_dict
        from ckptdoctor.reports.values_json import difference_to_dict

        data = diff_to_dict(self)
        return {**data, "values": [difference_to_dict(item) for item in self.values]} if self.values else data

    def to_json(self) -> str:
        """What `ckptdoctor diff --format json` prints."""
        from ckptdoctor.reports.json_text import json_text

        return json_text(self.to_dict())

    def _repr_html_(self) -> str:
        from ckptdoctor.reports.diff_html import diff_page
        from ckptdoctor.reports.page import in_notebook

        return in_notebook(diff_page(self))


def diff(
    graph: GraphName | OpenedCheckpoint | object,
    checkpoint: CheckpointName | OpenedCheckpoint,
    *,
    inputs: Inputs = (),
    args: Args = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    rename: Renames = (),
    map: NameMap | None = None,
    ema: bool = False,
    purpose: Purpose = "either",
    values: bool = False,
    loader: str = "",
    by_name: bool = False,
    skip_mismatch: bool = False,
    expect_partial: bool = False,
    python: GraphName = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
) -> DiffReport:
    """Every disagreement between a graph and a checkpoint, with causes and remedies.

        report = ckptdoctor.diff("graph.py:net", "model.ckpt", inputs={"images": (None, 224, 224, 3)})
        report = ckptdoctor.diff(model, "model.ckpt")  # a live Keras model, tf.Module or tf.train.Checkpoint

    Args:
        graph: a GRAPH argument, an opened checkpoint, or a live Keras model, `tf.Module`, `tf.train.Checkpoint` or Saver.
        checkpoint: a prefix, a file of it, a directory, or an opened checkpoint.
        inputs: tensor parameters of the graph; see `ckptdoctor.api.graphs.Inputs`.
        args: other parameters of the graph: plain values.
        include: scopes (prefixes of names) that take part.
        exclude: scopes that do not.
        rename: regular expressions and their replacements; keys are compared under the names that they make.
        map: whole keys and their new names: a dict, or a file.
        ema: moving averages are taken in their variables' place.
        purpose: what the checkpoint is wanted for, `finetune` or `inference`; advice depends on it.
        values: compare values, too; the graph is a checkpoint then.
        loader: whose load is meant where several apply: `load_weights`, `tf.train.Checkpoint` or `Saver`.
        by_name, skip_mismatch: of Keras's `load_weights`.
        expect_partial: of `tf.train.Checkpoint`.
        python: the interpreter that builds the graph; the running one without it.
        timeout: seconds that building the graph may take.
        cache: whether the trace of an unchanged graph may be used.

    Raises:
        UsageError, GraphError, FormatError: one of them cannot be built or read.
    """
    return compare(
        side_of(graph, inputs=inputs, args=args, python=python, timeout=timeout, cache=cache),
        checkpoint_of(checkpoint),
        include=include,
        exclude=exclude,
        prepare=names_of(rename, map, ema=ema),
        purpose=purpose,
        values=values,
        call=call_of(loader, by_name=by_name, skip_mismatch=skip_mismatch, expect_partial=expect_partial),
    )


Side = str | GraphRequest | GraphSpec | OpenedCheckpoint
"""The left-hand side: what names a graph, the graph itself, or a checkpoint."""


def side_of(
    graph: GraphName | OpenedCheckpoint | object,
    *,
    inputs: Inputs = (),
    args: Args = (),
    python: GraphName = "",
    timeout: float = DEFAULT_TIMEOUT,
    cache: bool = True,
) -> Side:
    """The left-hand side of a comparison; see `diff`.

    Raises:
        UsageError: an input or an argument cannot be understood, or means nothing to this graph.
    """
    if isinstance(graph, str | os.PathLike):
        return graph_request(graph, inputs=inputs, args=args, python=python, timeout=timeout, cache=cache)
    if inputs or args:
        raise UsageError("what is built already takes no inputs and no args", hint="Leave them out.")
    if isinstance(graph, OpenedCheckpoint | GraphRequest | GraphSpec):
        return graph
    from ckptdoctor.graphs.live_graph import graph_of_live

    return graph_of_live(graph)


def call_of(
    loader: str = "", *, by_name: bool = False, skip_mismatch: bool = False, expect_partial: bool = False
) -> Call:
    """The load that is meant."""
    return Call(loader, by_name, skip_mismatch, expect_partial)


def compare(
    graph: Side,
    checkpoint: Checkpoint,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    prepare: Names | Wishes | None = None,
    purpose: Purpose = "either",
    values: bool = False,
    call: Call | None = None,
    counting: Callable[[int], Callable[[int], object]] = lambda total: lambda size: None,
) -> DiffReport:
    """The report on two sides.

    Args:
        graph: what names the graph, or the graph itself.
        checkpoint: the opened checkpoint.
        include, exclude: scopes that take part, and that do not.
        prepare: what a person decided about the checkpoint; it is compared as that would leave it.
        purpose: what the checkpoint is wanted for.
        values: compare values, too.
        call: the load that is meant, where it is not the one that applies by itself.
        counting: is told how many bytes of values there are to compare; gives what hears of them as they are compared.

    Raises:
        UsageError, GraphError, FormatError: one of them cannot be built or read.
    """
    from ckptdoctor.diagnosis import comparison
    from ckptdoctor.graphs.checkpoint_graph import graph_of_inventory
    from ckptdoctor.graphs.reading import open_graph

    for name, scopes in (("include", include), ("exclude", exclude)):
        if isinstance(scopes, str):
            raise UsageError(f"{name} is one string, {scopes!r}", hint=f"Pass a list: [{scopes!r}].")
    lhs: Checkpoint | None = None
    if isinstance(graph, OpenedCheckpoint):
        lhs = checkpoint_of(graph)
        spec = graph_of_inventory(graph.source, lhs.inventory)
    elif isinstance(graph, GraphSpec):
        spec = graph
    else:
        spec, lhs = open_graph(graph, values=values)
    inventory, keys = checkpoint.inventory, dict[str, str]()
    options = list(graph.options if isinstance(graph, GraphRequest) else ())
    if prepare:
        from ckptdoctor.conversion.plan import carried_out, derive

        plan = prepare.plan(inventory)
        keys = {key: derived.source for key, derived in derive(plan, inventory).items() if derived.source}
        inventory = carried_out(plan, inventory)
        options += prepare.options
    compared = comparison.compare(
        spec, inventory, options, include=include, exclude=exclude, purpose=purpose, call=call
    )
    diagnosis = compared.diagnosis
    differences = _value_differences(diagnosis, lhs, checkpoint, keys, counting) if values else ()
    compared_fields: dict[str, Any] = {field.name: getattr(diagnosis, field.name) for field in fields(Diagnosis)}
    return DiffReport(**compared_fields, values=differences)


def _value_differences(
    diagnosis: Diagnosis,
    lhs: Checkpoint | None,
    rhs: Checkpoint,
    renamed: Mapping[str, str],
    counting: Callable[[int], Callable[[int], object]],
) -> tuple[ValueDifference, ...]:
    from ckptdoctor.values.comparison import compare_values

    alignment = diagnosis.alignment
    if lhs is None:
        raise UsageError(
            f"{alignment.graph.source} holds no values", hint="--values compares two checkpoints: diff A.ckpt B.ckpt"
        )
    pairs = [(pair.variable.key, renamed.get(pair.entry.key, pair.entry.key)) for pair in alignment.pairs]
    advance = counting(sum(pair.variable.spec.nbytes for pair in alignment.pairs))
    return tuple(compare_values(lhs, rhs, pairs, advance))
