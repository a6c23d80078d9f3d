"""What the names that a Keras model and a file of Keras's both record say: that two are the same, or that they are not.

Names that somebody chose are believed. `conv2d_5` is what Keras numbers a layer by itself: it counts on as long as the
process lives, so the same number says nothing, and another number contradicts nothing.
Source: Keras 3, keras/src/utils/naming.py, `auto_name`, `to_snake_case`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Inventory

_PLACE = re.compile(r"(^|/)vars/\d+$")
"""What ends a key of Keras 3's own files (Keras 3, keras/src/saving/saving_lib.py, `H5IOStore`)."""

_MODELS = ("model", "functional", "sequential", "cell")
"""Words of classes that need not be among those of a structure."""


def at_place(key: str) -> bool:
    """Whether a key is a place in a file of Keras 3's, which goes by the model's structure."""
    return _PLACE.search(key) is not None


class OwnNames:
    """The names of a Keras model's variables and those that a file records beside its keys."""

    def __init__(self, graph: GraphSpec, inventory: Inventory) -> None:
        structure = graph.keras
        classes = {item.class_name for item in structure.saveables} if structure else set()
        classes |= {item.class_name for item in structure.layers} if structure else set()
        words = {_snake_case(name) for name in classes if name} | set(_MODELS)
        self._automatic = re.compile(f"({'|'.join(sorted(map(re.escape, words)))})(_\\d+)?")
        self._mine = _Names(variable.key for variable in graph.variables)
        self._stored = _Names(entry.name for entry in inventory.variables.values() if entry.name)

    def same(self, variable: Variable, entry: Entry) -> bool:
        """Whether both sides record one name, which somebody chose and which is nobody else's on either side."""
        if not entry.name:
            return False
        if variable.key == entry.name:
            return self._is_chosen(_last(_owner(variable.key))) and self._stored.whole[entry.name] == 1
        mine, theirs = _short(variable.key), _short(entry.name)
        alone = self._mine.short[mine] == 1 == self._stored.short[theirs]
        return mine == theirs and alone and self._is_chosen(mine[0])

    def contradict(self, variable: Variable, entry: Entry) -> bool:
        """Whether the names say that these two are not the same."""
        if not entry.name or entry.name == variable.key:
            return False
        mine, theirs = _owner(variable.key), _owner(entry.name)
        first, second = _last(mine), _last(theirs)
        if first != second:
            return (self._is_chosen(second) and second in self._mine.layers) or (
                self._is_chosen(first) and first in self._stored.layers
            )
        if mine != theirs and (theirs in self._mine.owners or mine in self._stored.owners):
            return any(map(self._is_chosen, set(mine.split("/")) ^ set(theirs.split("/"))))
        # Only what a file says is a name: in Keras 3's own files it follows from the place.
        role, other = variable.key.rpartition("/")[2], entry.name.rpartition("/")[2]
        return (
            role != other
            and not at_place(entry.key)
            and (f"{mine}/{other}" in self._mine.whole or f"{theirs}/{role}" in self._stored.whole)
        )

    def _is_chosen(self, name: str) -> bool:
        return bool(name) and self._automatic.fullmatch(name) is None


class _Names:
    """The names of one side: whole, their layers, and each with its layer's name alone."""

    def __init__(self, names: Iterable[str]) -> None:
        self.whole = Counter(names)
        self.short = Counter(map(_short, self.whole.elements()))
        self.owners = {_owner(name) for name in self.whole}
        self.layers = {_last(owner) for owner in self.owners}


def _owner(name: str) -> str:
    return name.rpartition("/")[0]


def _last(owner: str) -> str:
    return owner.rpartition("/")[2]


def _short(name: str) -> tuple[str, str]:
    owner, _, role = name.rpartition("/")
    return _last(owner), role


def _snake_case(name: str) -> str:
    """A class's name as Keras writes it (keras/src/utils/naming.py, `to_snake_case`)."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
