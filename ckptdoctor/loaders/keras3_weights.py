"""Keras 3's `load_weights` of `.weights.h5`, `.weights.json` and `.keras`: by the attribute paths of the model.

Every saveable asks for the group under its path; what the file has besides is passed over in silence. One that fails, or
holds one that fails, is tried again under every later path that leads to it, and what failed to the end is raised at once.

Sources: Keras 3.15, keras/src/saving/saving_lib.py, `load_weights_only`, `_load_state`, `_load_container_state`,
`H5IOStore.get`, `ShardedH5IOStore.get`, `_raise_loading_failure`; keras/src/layers/layer.py,
`_check_load_own_variables`; keras/src/optimizers/base_optimizer.py, `load_own_variables`;
keras/src/backend/common/variables.py, `Variable.assign` (another shape is an error, another type is cast).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.keras_model import ROOT, Child, KerasModel, OwnVariables, Saveable
from ckptdoctor.specs.tensor import Shape

MOST_VISITS = 500_000
"""Visits of saveables after which the walk is given up: failures make Keras walk in ever more ways."""

_DEEPEST = 200
"""Keras itself fails at Python's limit of recursion."""

_UNBUILT = "ValueError: You are loading weights into a model that has not yet been built."


class _Unknown(Exception):
    """The load cannot be told: a class loads its variables in a way of its own, or the walk does not end."""


def load_weights(graph: GraphSpec, inventory: Inventory, skip_mismatch: bool = False) -> Load | None:
    """What `model.load_weights(path)` does; None where that cannot be told.

    Args:
        graph: of a Keras 3 model, with its structure.
        inventory: a file of Keras 3's.
        skip_mismatch: whether failures are warned about instead of raised.
    """
    model = graph.keras
    if model is None or model.generation != 3 or not model.saveables:
        return None
    if model.repeats(variable.key for variable in graph.variables):
        return None
    call = f"model.load_weights(path{', skip_mismatch=True' if skip_mismatch else ''})"
    variables = tuple(variable.key for variable in graph.variables)
    if not model.saveables[ROOT].built:
        return Load(call, {}, variables, _UNBUILT, ignored=tuple(inventory.variables))
    walk = _Walk(model, _Groups(inventory))
    failures = _Failures()
    try:
        walk.load(ROOT, "", failures, 0)
    except _Unknown:
        return None
    if failures.causes and not model.complete:
        return None  # another path may lead to what failed
    causes = tuple(failures.causes.values())
    error, warnings = "", walk.warnings
    if causes:
        text = model.saveables[next(iter(failures.causes))].text
        what = f"A total of {len(causes)} objects could not be loaded. Example error message for object {text}:"
        if skip_mismatch:
            warnings.append(what)
        else:
            error = f"ValueError: {what}"
    given = {model.variables[number].key: key for number, key in walk.given.items()}
    zeroed = {model.variables[number].key for number in walk.zeroed - walk.given.keys()}
    used = set(given.values())
    return Load(
        call,
        {key: given[key] for key in variables if key in given},
        tuple(key for key in variables if key not in given and key not in zeroed),
        error,
        tuple(warnings),
        tuple(key for key in inventory.variables if key not in used),
        tuple(key for key in variables if key in zeroed),
        causes,
    )


class _Groups:
    """The groups of a file: which there are, and what each saveable's group holds."""

    def __init__(self, inventory: Inventory) -> None:
        # The list of sharded weights names no group without values.
        groups = () if inventory.source.endswith(".json") else inventory.groups
        self._stored: dict[str, dict[str, str]] = {group.path: {} for group in groups}
        self._shapes = {key: entry.spec.shape for key, entry in inventory.variables.items()}
        self._present: set[str] = set()
        for key in self._shapes:
            group, _, name = key.rpartition("/")
            self._stored.setdefault(group, {})[name] = key
        for path in self._stored:
            parts = path.split("/")
            self._present.update("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        for path in self._present:
            # A group within a `vars` group counts as one of its values.
            group, _, name = path.rpartition("/")
            if group.rpartition("/")[2] == "vars":
                self._stored.setdefault(group, {}).setdefault(name, "")

    def shape(self, key: str) -> Shape:
        """The shape of a stored value."""
        return self._shapes[key]

    def values(self, path: str) -> Mapping[str, str]:
        """The keys of what the group of a saveable holds, by name; nothing where there is none."""
        own = f"{path}/vars" if path else "vars"
        if own not in self._stored and path and "_layer_checkpoint_dependencies" in self._present:
            # Keras 2.13 wrote its files so.
            own = f"{path.replace('layers', '_layer_checkpoint_dependencies')}/vars"
        return self._stored.get(own, {})

    def has(self, path: str) -> bool:
        """Whether there is a group at a path."""
        return path in self._present


@dataclass(slots=True)
class _Failures:
    """The saveables that failed, with what was raised, in the order in which they failed first.

    Keras keeps the two apart, and only a success under the same account takes a saveable from it.
    """

    causes: dict[int, str] = field(default_factory=dict)


class _Walk:
    """One load."""

    def __init__(self, model: KerasModel, groups: _Groups) -> None:
        self._model, self._groups = model, groups
        self._visited: set[int] = set()
        self._visits = 0
        self.given: dict[int, str] = {}
        self.zeroed: set[int] = set()
        self.warnings: list[str] = []

    def load(self, number: int, path: str, failures: _Failures, depth: int) -> None:
        """Loads a saveable and what it leads to."""
        if number in self._visited:
            return
        self._visits += 1
        if self._visits > MOST_VISITS or depth > _DEEPEST:
            raise _Unknown
        saveable = self._model.saveables[number]
        cause = self._load_own(saveable, saveable.own, self._groups.values(path)) if saveable.own is not None else ""
        if cause:
            failures.causes[number] = cause
        before = len(failures.causes)
        for child in saveable.children:
            below = f"{path}/{child.name}" if path else child.name
            if child.saveable >= 0:
                self.load(child.saveable, below, failures, depth + 1)
            else:
                self._load_container(child.container, below, failures, set(), depth + 1)
        if not cause:
            if len(failures.causes) <= before:
                self._visited.add(number)
            failures.causes.pop(number, None)

    def _load_container(self, number: int, path: str, failures: _Failures, seen: set[int], depth: int) -> None:
        if number in seen:
            return
        seen.add(number)
        for child in self._model.containers[number]:
            below = f"{path}/{child.name}"
            if child.saveable >= 0:
                self.load(child.saveable, below, failures, depth + 1)
            elif self._groups.has(below):
                self._load_container(child.container, below, failures, seen, depth + 1)
            else:
                self._load_absent_container(child, below, seen, depth + 1)

    def _load_absent_container(self, child: Child, path: str, seen: set[int], depth: int) -> None:
        """A container within a container that the file has no group for: what fails in it is only warned about."""
        passed_over = _Failures()
        self._load_container(child.container, path, passed_over, seen, depth)
        if passed_over.causes:
            self.warnings.append(f"Skipping nested container at '{path}': no matching group found in the saved file.")

    def _load_own(self, saveable: Saveable, own: OwnVariables, stored: Mapping[str, str]) -> str:
        """Assigns a saveable's own variables; the first line of what is raised, if something is."""
        if not own.known or (own.only is not None and set(own.only) != set(stored)):
            raise _Unknown
        if own.expected is not None and len(stored) != own.expected:
            return self._other_number(saveable, own, len(stored))
        for name, number in own.assigned:
            key = stored.get(name)
            if key is None:
                return f"KeyError: '{name}'"
            if not key:
                raise _Unknown  # a group where a value is expected
            shape, variable = self._groups.shape(key), self._model.variables[number]
            if shape != variable.spec.shape:
                return (
                    "ValueError: The shape of the target variable and the shape of the target value in "
                    f"`variable.assign(value)` must match. variable.shape={variable.spec.shape}, "
                    f"Received: value.shape={shape}."
                )
            self.given[number] = key
            self.zeroed.discard(number)
        self.zeroed.update(own.zeroed)
        return ""

    def _other_number(self, saveable: Saveable, own: OwnVariables, stored: int) -> str:
        if own.warns:
            self.warnings.append(
                f"Skipping variable loading for optimizer '{saveable.name}', because it has {own.expected} variables "
                f"whereas the saved optimizer has {stored} variables."
            )
            return ""
        if not own.expected and not saveable.built:
            return f"ValueError: Layer '{saveable.name}' was never built and thus it doesn't have any variables."
        return (
            f"ValueError: Layer '{saveable.name}' expected {own.expected} variables, "
            f"but received {stored} variables during loading."
        )
