"""Load against Correspondence: what each variable that was asked for gets, and whether that is what is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ckptdoctor.alignment.pairs import Alignment, Pair
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import Variable


@dataclass(frozen=True, slots=True)
class Agreement:
    """A load and an alignment, compared.

    Attributes:
        load: what the loader does.
        right: the pairs whose variable gets the value that is meant, in its shape.
        reshaped: the pairs whose variable gets that value, in another shape than it declares.
        other: the variables that get another value, each with its pair if one is known.
        kept: the variables that keep their own value, each with its pair if one is known.
        zeroed: the variables that the loader sets to zero.
    """

    load: Load
    right: tuple[Pair, ...]
    reshaped: tuple[Pair, ...]
    other: tuple[tuple[Variable, Pair | None], ...]
    kept: tuple[tuple[Variable, Pair | None], ...]
    zeroed: tuple[Variable, ...]

    @property
    def asked(self) -> int:
        """How many variables were asked for."""
        return len(self.right) + len(self.reshaped) + len(self.other) + len(self.kept) + len(self.zeroed)

    @property
    def fits(self) -> bool:
        """Whether the load gives every variable that was asked for what is meant, and raises nothing."""
        return not (self.load.error or self.reshaped or self.other or self.kept)

    @property
    def passed_over(self) -> tuple[Pair, ...]:
        """The pairs that agree in shape and type and whose variable keeps its own value all the same."""
        return tuple(pair for _, pair in self.kept if pair and pair.same_shape and pair.same_dtype)

    @property
    def mistaken(self) -> tuple[Pair, ...]:
        """The pairs that agree in shape and whose variable gets another value."""
        return tuple(pair for _, pair in self.other if pair and pair.same_shape)


def compare_load(alignment: Alignment, load: Load) -> Agreement:
    """Compares what a load gives with what is meant."""
    pair_of: Mapping[str, Pair] = {pair.variable.key: pair for pair in alignment.pairs}
    zeroed = set(load.zeroed)
    right: list[Pair] = []
    reshaped: list[Pair] = []
    other: list[tuple[Variable, Pair | None]] = []
    kept: list[tuple[Variable, Pair | None]] = []
    zero: list[Variable] = []
    taking_part = pair_of.keys() | {variable.key for variable in alignment.missing}
    for variable in alignment.graph.variables:
        if variable.key not in taking_part:
            continue
        pair, given = pair_of.get(variable.key), load.given.get(variable.key)
        if given is None and variable.key in zeroed:
            zero.append(variable)
        elif given is None:
            kept.append((variable, pair))
        elif pair is None or given != pair.entry.key:
            other.append((variable, pair))
        elif pair.same_shape:
            right.append(pair)
        else:
            reshaped.append(pair)
    return Agreement(load, tuple(right), tuple(reshaped), tuple(other), tuple(kept), tuple(zero))
