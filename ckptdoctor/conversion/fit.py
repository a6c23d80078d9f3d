"""What a plan makes for the variables of a graph, and what it leaves without a fitting value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ckptdoctor.conversion.plan import Derived
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.libraries.name import read_name
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Family


@dataclass(frozen=True, slots=True)
class Fit:
    """What a plan makes for the variables of a graph.

    Attributes:
        graph: the graph.
        asked: the variables that were asked for.
        keys: key of a variable → key of the output that is meant for it and fits.
        findings: keys of variables that a finding is about.
    """

    graph: GraphSpec
    asked: tuple[Variable, ...]
    keys: Mapping[str, str]
    findings: frozenset[str]

    @property
    def lacking(self) -> list[Variable]:
        """The variables that were asked for and have no fitting value."""
        return [variable for variable in self.asked if variable.key not in self.keys]

    @property
    def reported(self) -> list[Variable]:
        """Those of them that a finding is about; an owner's loader may leave others alone, such as those of LoRA."""
        return [variable for variable in self.lacking if variable.key in self.findings]


def fit_of(diagnosis: Diagnosis, derived: Mapping[str, Derived], family: Family | None) -> Fit:
    """What a plan makes for a graph's variables.

    Args:
        diagnosis: of the graph and the source.
        derived: what the plan makes, under the keys of the output.
        family: whose loader the output is for. Keras's casts, TensorFlow's do not.
    """
    alignment = diagnosis.alignment
    graph = alignment.graph
    asked = {id(item) for item in (*(pair.variable for pair in alignment.pairs), *alignment.missing)}
    own = zeroed_by_keras(graph) if family is Family.KERAS else frozenset()
    variables = tuple(item for item in graph.variables if id(item) in asked and item.key not in own)
    keys = {}
    for variable in variables:
        key = _output_key(graph, variable, derived)
        if key in derived and _fits(variable, derived[key], family):
            keys[variable.key] = key
    covered = frozenset[str]().union(*(item.covers for item in diagnosis.findings))
    names = {pair.entry.key: pair.variable.key for pair in alignment.pairs}
    return Fit(graph, variables, keys, covered | {names[key] for key in covered if key in names})


def _output_key(graph: GraphSpec, variable: Variable, derived: Mapping[str, Derived]) -> str:
    if graph.objects is not None and variable.node >= 0 and OBJECT_GRAPH_KEY in derived:
        place = graph.objects.objects[variable.node].key
        if place in derived:
            return place
    return variable.key


def _fits(variable: Variable, made: Derived, family: Family | None) -> bool:
    declared, shape = variable.spec, made.spec.shape
    if made.spec.dtype != declared.dtype and family is Family.TENSORFLOW:
        return False
    return not variable.shape_known or (
        len(declared.shape) == len(shape) and all(a in (-1, b) for a, b in zip(declared.shape, shape, strict=True))
    )


def zeroed_by_keras(graph: GraphSpec) -> frozenset[str]:
    """Keys of variables that Keras 3's `load_weights` sets to zero by itself, such as those of LoRA: no file has them."""
    model = graph.keras
    if model is None:
        return frozenset()
    numbers = {number for item in model.saveables if item.own is not None for number in item.own.zeroed}
    return frozenset(model.variables[number].key for number in numbers)


_NEUTRAL = ("bias", "beta", "gamma")
"""What a layer can be made with or without: its initial value leaves the outputs of a layer that was saved without it alone."""


def whole_layers(
    lacking: Sequence[Variable], variables: Sequence[Variable], *, one_for_all: bool = False
) -> list[Variable]:
    """These variables with the rest of their layers, and with the slots of both.

    A stored bias does not go with another kernel, nor a stored gamma with other statistics; a bias that was not saved
    takes nothing from its kernel.

    Args:
        lacking: the variables.
        variables: those that are there.
        one_for_all: whether any of a layer's variables takes the others with it, as where Keras skips a layer.
    """
    decisive = [item for item in lacking if one_for_all or read_name(item.name).role not in _NEUTRAL]
    scopes = {scope for item in decisive if (scope := item.name.rpartition("/")[0])}
    taken = {item.key for item in lacking}
    taken |= {item.key for item in variables if item.name.rpartition("/")[0] in scopes}
    owners = tuple(f"{key}/" for key in taken)
    return [item for item in variables if item.key in taken or item.key.startswith(owners)]
