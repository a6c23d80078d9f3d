"""A Keras model as Keras's own loaders walk it: its saveables by attribute paths, its layers in their order.

Sources: Keras 3, keras/src/saving/saving_lib.py, `_walk_saveable` (what a saveable leads to, and in which order);
keras/src/legacy/saving/legacy_h5_format.py, `_legacy_weights` (a layer's weights, trained ones first).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ckptdoctor.specs.tensor import TensorSpec

ROOT = 0


@dataclass(frozen=True, slots=True)
class KerasVariable:
    """A variable of the model, of its optimizer or of its metrics: its `path`, which keys it in the graph, and its type."""

    key: str
    spec: TensorSpec


@dataclass(frozen=True, slots=True)
class OwnVariables:
    """What a saveable's `load_own_variables` does with the group that it is given.

    Attributes:
        assigned: the names that it asks its group for, in that order, and the variable that each is assigned to.
        expected: how many values the group must hold; None where that is not checked.
        warns: whether another number is warned about, with nothing assigned; else it is an error.
        zeroed: the variables that are set to zero afterwards, such as those of LoRA.
        only: the names of the one kind of group for which this is known, where the class is not Keras's; else None.
        known: whether it could be found out at all.
    """

    assigned: tuple[tuple[str, int], ...] = ()
    expected: int | None = None
    warns: bool = False
    zeroed: tuple[int, ...] = ()
    only: tuple[str, ...] | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Child:
    """What an attribute or an item leads to: the number of a saveable or of a container, with -1 for the other.

    The name is the part of the path in a file: an attribute's, or a class's in snake case with a number behind it.
    """

    name: str
    saveable: int = -1
    container: int = -1


@dataclass(frozen=True, slots=True)
class Saveable:
    """A model, a layer, an optimizer, a loss or a metric.

    Attributes:
        name: its own name; empty where it has none.
        class_name: of its class.
        text: how Keras prints it in a message, such as `<Dense name=dense, built=True>`.
        built: whether it has made its variables.
        own: how it loads its own variables; None where it loads none, as a metric.
        children: in the order in which Keras visits them.
    """

    name: str
    class_name: str
    text: str
    built: bool
    own: OwnVariables | None
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True)
class KerasLayer:
    """An entry of `model.layers`.

    Attributes:
        name: its own.
        weights: in the order of a legacy file, those of nested layers among them.
        class_name: of its class.
        sequential: whether its weights are those of its nested layers one after the other, where it has such.
    """

    name: str
    weights: tuple[int, ...]
    class_name: str = ""
    sequential: bool = True


@dataclass(frozen=True, slots=True)
class KerasModel:
    """A Keras model's structure.

    Attributes:
        generation: 2 for Keras 2 and tf_keras, 3 for Keras 3.
        variables: by number.
        saveables: by number; the first is the model. Empty where only the layers are known.
        containers: lists, tuples and dictionaries by number: what they hold of saveables, directly or in containers.
        layers: as `model.layers` has them.
        top_level: the variables that the model holds itself, in the order of a legacy file; None where Keras cannot tell
            them from its other weights and fails.
        top_level_by_name: the same, where layers are loaded by name.
        complete: whether every path to every saveable is known; else only loads without a failure can be told.
    """

    generation: int
    variables: tuple[KerasVariable, ...]
    saveables: tuple[Saveable, ...] = ()
    containers: tuple[tuple[Child, ...], ...] = ()
    layers: tuple[KerasLayer, ...] = ()
    top_level: tuple[int, ...] | None = ()
    top_level_by_name: tuple[int, ...] = ()
    complete: bool = True

    def repeats(self, keys: Iterable[str]) -> bool:
        """Whether several variables have one of these keys, so that a key does not tell which is meant."""
        counts = Counter(variable.key for variable in self.variables)
        return any(counts[key] > 1 for key in keys)
