"""What a restore can give a graph, and what has to be left out of it: whole layers, and what cannot be named otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ckptdoctor.alignment.pairs import Alignment, Pair
from ckptdoctor.libraries import batch_norm
from ckptdoctor.libraries.name import read_name
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import Variable


def restorable(alignment: Alignment, given: Collection[str] = ()) -> dict[str, Pair]:
    """The pairs that a restore may bring into the graph as they are, by the variable's key.

    A layer goes as a whole: where its kernel is left out, so are its bias and the normalisation in its scope, and where one
    variable of a normalisation does not fit, so are the others. Slots and averages go with their variables.

    Args:
        alignment: both sides.
        given: keys of variables that are given values in another way: another shape, another name.
    """
    fitting = {pair.variable.key: pair for pair in alignment.pairs if _fits(pair) or pair.variable.key in given}
    fits = {*fitting, *given}
    unfit = [item for item in _variables(alignment) if item.key not in fits and training_state(item.key) is None]
    without_kernel = {read_name(item.key).scope for item in unfit if len(item.spec.shape) > 1}
    # A normalisation without a gamma, or whose statistics were not saved, is what it was saved as.
    other_norm = [pair.variable.key for pair in alignment.pairs if pair.variable.key not in fits]
    without_norm = {read_name(key).scope for key in other_norm if read_name(key).role in batch_norm.ROLES}

    def is_whole(key: str) -> bool:
        name = read_name(key)
        if name.scope in without_kernel:
            return False
        is_norm = name.role in batch_norm.ROLES
        return not (is_norm and (name.scope in without_norm or name.scope.rpartition("/")[0] in without_kernel))

    network = {key for key in fitting if training_state(key) is None and is_whole(key)}
    declared = {item.key for item in _variables(alignment)}
    state = {
        key
        for key in fitting
        if (kind := training_state(key)) and (kind.owner not in declared or kind.owner in network)
    }
    return {key: pair for key, pair in fitting.items() if key in network or key in state}


def _fits(pair: Pair) -> bool:
    certain = pair.renaming is None or pair.renaming.certain
    return certain and pair.same_shape and pair.same_dtype


def _variables(alignment: Alignment) -> list[Variable]:
    return [*(pair.variable for pair in alignment.pairs), *alignment.missing]


@dataclass(frozen=True, slots=True)
class Names:
    """Names that are told from others: all of some scopes, a name counting as a scope of its own, and names as they are."""

    scopes: tuple[str, ...]
    exact: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.scopes) + len(self.exact)


def told_apart(names: Iterable[str], others: Collection[str]) -> Names:
    """The shortest scopes that hold these names and none of the others."""
    taken = {scope for other in others for scope in _scopes(other)}
    scopes: dict[str, None] = {}
    exact: dict[str, None] = {}
    for name in names:
        free = next((scope for scope in _scopes(name) if scope not in taken), None)
        if free is None:
            exact[name] = None
        else:
            scopes[free] = None
    return Names(tuple(scopes), tuple(exact))


def _scopes(name: str) -> list[str]:
    """The scopes that a name stands in, the outermost first, and the name."""
    return [name[:end] for end in [*(i for i, letter in enumerate(name) if letter == "/"), len(name)]]
