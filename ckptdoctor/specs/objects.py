"""TensorFlow 2's object graph: which object holds which value, told by the names that lead from the root to it.

Source: TensorFlow, tensorflow/core/protobuf/trackable_object_graph.proto; tensorflow/python/checkpoint/restore.py,
`CheckpointPosition`, for how a restore walks both graphs at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

VALUE = "VARIABLE_VALUE"
"""The attribute that is a variable's value (tensorflow/python/trackable/base.py, `VARIABLE_VALUE_KEY`)."""

OBJECT_VALUE = f"/.ATTRIBUTES/{VALUE}"
"""What ends the key of a variable's value (tensorflow/python/trackable/trackable_utils.py, `checkpoint_key`)."""

SAVE_COUNTER = "save_counter"
"""What `tf.train.Checkpoint` counts its saves with (tensorflow/python/checkpoint/checkpoint.py,
`_maybe_create_save_counter`); a restore makes it, and `assert_consumed` wants it."""

SAVE_COUNTER_KEY = SAVE_COUNTER + OBJECT_VALUE

ROOT = 0


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value that an object holds: its name in the object, the variable's own name, and its checkpoint key."""

    name: str
    full_name: str
    key: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot variable that an optimizer holds: the nodes of its owner and of itself, and its name, such as `m`."""

    owner: int
    name: str
    node: int


@dataclass(frozen=True, slots=True)
class TrackedObject:
    """One object: what it leads to, by local name; what it holds; an optimizer's slot variables."""

    children: tuple[tuple[str, int], ...] = ()
    attributes: tuple[Attribute, ...] = ()
    slots: tuple[Slot, ...] = ()

    @property
    def key(self) -> str:
        """The key of its value, if it is a variable; else empty."""
        return next((item.key for item in self.attributes if item.name == VALUE), "")


@dataclass(frozen=True, slots=True)
class ObjectGraph:
    """Objects by number; the first is the root. Names may lead round in circles, and to one object in several ways."""

    objects: tuple[TrackedObject, ...]

    def child(self, node: int, name: str) -> int | None:
        """The object that a name leads to."""
        return next((child for local, child in self.objects[node].children if local == name), None)

    def paths(self, enter: Callable[[str], bool] = lambda name: True) -> dict[int, str]:
        """The shortest path to each object that can be reached, by the names that may be entered."""
        found = {ROOT: ""}
        pending = deque([ROOT])
        while pending:
            node = pending.popleft()
            for name, child in self.objects[node].children:
                if child not in found and enter(name):
                    found[child] = f"{found[node]}/{escape(name)}".lstrip("/")
                    pending.append(child)
        return found

    def slots(self) -> Iterator[Slot]:
        """Every slot variable: those that optimizers declare, and the lists that Keras 3's keep beside their variables.

        Source: Keras 3, keras/src/optimizers/base_optimizer.py, `build` (`_trainable_variables`, and a list a slot).
        """
        for item in self.objects:
            yield from item.slots
            lists = dict(item.children)
            owners = self._listed(lists.pop("_trainable_variables", None))
            for name, node in lists.items():
                listed = self._listed(node)
                # `_variables` holds every variable of the optimizer, and scalars before the slots.
                if owners and name != "_variables" and len(listed) == len(owners):
                    yield from (Slot(owner, name.strip("_"), slot) for owner, slot in zip(owners, listed, strict=True))

    def _listed(self, node: int | None) -> list[int]:
        """The variables that a list holds, if it holds nothing else."""
        children = self.objects[node].children if node is not None else ()
        plain = all(name == str(number) and self.objects[child].key for number, (name, child) in enumerate(children))
        return [child for _, child in children] if plain else []


def escape(name: str) -> str:
    """A local name as a path has it (tensorflow/python/trackable/trackable_utils.py, `escape_local_name`)."""
    return name.replace(".", "..").replace("/", ".S")


def counterparts(lhs: ObjectGraph, rhs: ObjectGraph, start: tuple[int, int] = (ROOT, ROOT)) -> dict[int, int]:
    """The objects of one graph and those of another that the same names lead to, from two objects on.

    This is what `tf.train.Checkpoint.restore` does with the program's objects and the checkpoint's.
    """
    found = {start[0]: start[1]}
    pending = deque([start])
    while pending:
        mine, theirs = pending.popleft()
        names = dict(rhs.objects[theirs].children)
        for name, child in lhs.objects[mine].children:
            if name in names and child not in found:
                found[child] = names[name]
                pending.append((child, names[name]))
    # Slot variables are found by their owner and their name, from the optimizers that correspond.
    for mine, theirs in list(found.items()):
        slots = {(slot.owner, slot.name): slot.node for slot in rhs.objects[theirs].slots}
        for slot in lhs.objects[mine].slots:
            other = slots.get((found.get(slot.owner, -1), slot.name))
            if other is not None:
                found.setdefault(slot.node, other)
    return found
