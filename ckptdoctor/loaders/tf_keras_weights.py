"""tf_keras's `load_weights` of `.weights.h5` and `.keras`: by attribute paths, each saveable once, the first failure ends it.

Source: tf_keras 2.21, tf_keras/src/saving/saving_lib.py, `load_weights_only`, `_load_state`, `H5IOStore.get`;
tf_keras/src/engine/base_layer.py and tf_keras/src/optimizers/optimizer.py, `load_own_variables`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.keras_model import ROOT, KerasModel, OwnVariables, Saveable

_NO_ROOT = "KeyError: \"Unable to synchronously open object (object 'vars' doesn't exist)\""


def load_weights(graph: GraphSpec, inventory: Inventory, skip_mismatch: bool = False) -> Load | None:
    """What `model.load_weights(path)` does; None where that cannot be told.

    Args:
        graph: of a tf_keras model, with its structure.
        inventory: a file of Keras 3's format.
        skip_mismatch: whether failures are warned about instead of raised.
    """
    model = graph.keras
    if model is None or model.generation != 2 or not model.saveables:
        return None
    if model.repeats(variable.key for variable in graph.variables):
        return None
    if any(saveable.own is not None and not saveable.own.known for saveable in model.saveables):
        return None
    groups = {group.path: {key.rpartition("/")[2]: key for key in group.keys} for group in inventory.groups}
    numbers: dict[int, str] = {}
    error, warnings = "", []
    for path, saveable in _walk(model, ROOT, ""):
        own = saveable.own
        if own is None:
            continue
        if own.warns and len(groups.get(f"{path}/vars", {})) != own.expected:
            stored = len(groups.get(f"{path}/vars", {}))
            warnings.append(
                f"Skipping variable loading for optimizer '{saveable.name}', because it has {own.expected} variables "
                f"whereas the saved optimizer has {stored} variables."
            )
            continue
        place = f"{path}/vars" if path else "vars"
        missing_root = not path and place not in groups
        cause = _NO_ROOT if missing_root else _load_own(model, inventory, saveable, own, groups.get(place, {}), numbers)
        if cause and not skip_mismatch:
            error = cause
            break
        if cause:
            warnings.append(f"Could not load weights in object {saveable.text}. Skipping object.")
    given = {model.variables[number].key: key for number, key in numbers.items()}
    used = set(given.values())
    return Load(
        f"model.load_weights(path{', skip_mismatch=True' if skip_mismatch else ''})",
        {variable.key: given[variable.key] for variable in graph.variables if variable.key in given},
        tuple(variable.key for variable in graph.variables if variable.key not in given),
        error,
        tuple(warnings),
        tuple(key for key in inventory.variables if key not in used),
    )


def _walk(model: KerasModel, number: int, path: str) -> Iterator[tuple[str, Saveable]]:
    """The saveables with their paths, each before those that it leads to."""
    yield path, model.saveables[number]
    for child in model.saveables[number].children:
        below = f"{path}/{child.name}".lstrip("/")
        if child.saveable >= 0:
            yield from _walk(model, child.saveable, below)
        else:
            for item in model.containers[child.container]:
                yield from _walk(model, item.saveable, f"{below}/{item.name}")


def _load_own(
    model: KerasModel,
    inventory: Inventory,
    saveable: Saveable,
    own: OwnVariables,
    stored: Mapping[str, str],
    numbers: dict[int, str],
) -> str:
    """Assigns a saveable's own variables; the first line of what is raised, if something is."""
    if own.expected is not None and len(stored) != own.expected:
        names = [f"{model.variables[number].key}:0" for _, number in own.assigned]
        return (
            f"ValueError: Layer '{saveable.name}' expected {own.expected} variables, "
            f"but received {len(stored)} variables during loading. Expected: {names}"
        )
    for name, number in own.assigned:
        variable = model.variables[number]
        if name not in stored:
            return f"KeyError: '{name}'"
        shape = inventory.entries[stored[name]].spec.shape
        if shape != variable.spec.shape:
            return (
                f"ValueError: Cannot assign value to variable ' {variable.key}:0': Shape mismatch."
                f"The variable shape {variable.spec.shape}, and the assigned value shape {shape} are incompatible."
            )
        numbers[number] = stored[name]
    return ""
