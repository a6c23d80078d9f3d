"""Proving a checkpoint by its owner's own loader: every variable holds the value that is meant for it, or it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ckptdoctor.conversion.fit import zeroed_by_keras
from ckptdoctor.conversion.plan import Derived
from ckptdoctor.diagnosis.comparison import compare
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.fitted_name import fitted_name
from ckptdoctor.graphs.python_graph import trace_python
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.proof.digests import Digests
from ckptdoctor.proof.loading import OWNERS, Loaded, load
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Restored:
    """What the owner's own loader did.

    Attributes:
        call: the call, as a person writes it; empty if none was made.
        variables: how many were asked for.
        restored: how many of them hold their stored values.
        missing: names of variables that nothing in the checkpoint is for.
        wrong: variables that hold another shape or another value than they should, a sentence each.
        refused: the loader's whole error, if it raised one.
        unconsumed: what `assert_consumed()` says of a restore by objects; empty if it holds.
        reason: why no loader was called; empty if one was.
    """

    call: str
    variables: int
    restored: int
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    refused: str = ""
    unconsumed: str = ""
    reason: str = ""

    @property
    def proved(self) -> bool:
        """Whether every variable that was asked for holds its stored value in its declared shape."""
        return not (self.missing or self.wrong or self.refused or self.reason)


def verify_restore(
    checkpoint: Checkpoint,
    request: GraphRequest,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    **running: Any,
) -> Restored:
    """Lets the owner's loader load the checkpoint into the graph and compares every variable with the value meant for it.

    Args:
        checkpoint: the checkpoint.
        request: the graph.
        include, exclude: scopes that take part, and that do not; the call leaves the others out.
        running: what the worker is asked for besides; see `ckptdoctor.proof.loading.load`.

    Raises:
        UsageError, GraphError: the graph cannot be built.
        FormatError: the checkpoint's values cannot be read.
    """
    inventory = checkpoint.inventory
    if inventory.family not in OWNERS:
        return Restored("", 0, 0, reason=_no_loader(inventory, request))
    left_out: set[str] = set()
    if include or exclude:
        graph = trace_python(request)
        left_out = {variable.key for variable in graph.variables}
        left_out -= {variable.key for variable, _ in _meant(graph, inventory, include, exclude)}
    derived = {key: Derived(entry.spec, key) for key, entry in inventory.variables.items()}
    with Digests(checkpoint, derived) as digests:
        digests.begin((key, item.spec.dtype) for key, item in derived.items())
        # A partial call is made where the plain one fails over what is left out.
        plain = inventory.is_keras
        loaded = load(request, restore_name(checkpoint), inventory.family, left_out=left_out, plain=plain, **running)
        if loaded.reason:
            return Restored("", len(loaded.graph.variables), 0, reason=loaded.reason)
        return _judged(loaded, _meant(loaded.graph, inventory, include, exclude), digests)


def _meant(
    graph: GraphSpec, inventory: Inventory, include: Sequence[str], exclude: Sequence[str]
) -> list[tuple[Variable, str]]:
    """The variables that were asked for, each with the key whose value is meant for it; empty where there is none."""
    alignment = compare(graph, inventory, include=include, exclude=exclude).diagnosis.alignment
    meant = [(pair.variable, pair.entry.key) for pair in alignment.pairs]
    zeroed = zeroed_by_keras(graph) if inventory.is_keras else frozenset()
    for variable in alignment.missing:
        if variable.key in zeroed:
            continue
        own = [key for key in (variable.key, variable.stored) if key in inventory.variables]
        meant.append((variable, own[0] if own else ""))
    return meant


def _judged(loaded: Loaded, meant: Sequence[tuple[Variable, str]], digests: Digests) -> Restored:
    missing = tuple(sorted(variable.name for variable, key in meant if not key))
    if not loaded.code:
        last = loaded.calls[-1]
        return Restored(last.code, len(meant), 0, missing, refused=last.error)
    # Several variables may have one name; each is told by its own place in the graph.
    keys = {id(variable): key for variable, key in meant}
    wrong = []
    restored = 0
    for variable, held in loaded.held_by():
        key = keys.get(id(variable), "")
        if key:
            difference = held.differs(variable, partial(digests.of, key, variable.spec.dtype))
            restored += not difference
            wrong += [f"{variable.name} {difference}, and not that of {key}"] * (difference == "holds another value")
            wrong += [f"{variable.name} {difference}"] * (difference not in ("", "holds another value"))
    return Restored(loaded.code, len(meant), restored, missing, tuple(wrong), "", loaded.unconsumed)


def _no_loader(inventory: Inventory, request: GraphRequest) -> str:
    name = inventory.source.rpartition("/")[2]
    fitted = fitted_name(inventory, trace_python(request))
    convert = own_command("convert", operand(inventory.source), operand(fitted), "--graph", operand(request.source))
    return f"no loader of TensorFlow or Keras reads {name} ({inventory.format}). Convert it first: {convert}"


def restore_name(checkpoint: Checkpoint) -> str:
    """The name under which TensorFlow restores a checkpoint; the shards of a V1 one are named by a pattern."""
    return checkpoint.inventory.restore_pattern or checkpoint.inventory.source
