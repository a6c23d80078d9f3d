"""Where an optimizer's state goes with a conversion, and why it does not where it cannot.

Keras 3 has it in `optimizer/vars/N`, by the order of the trained variables and without their names. So it goes with a file
only where no variable changes its place.

Source: Keras 3, keras/src/optimizers/base_optimizer.py, `save_own_variables`, `load_own_variables`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ckptdoctor.conversion.plan import Derived
from ckptdoctor.libraries.training_state import entry_state
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.keras_model import ROOT, OwnVariables

_PLACE = "optimizer/vars/"


def state_keys(source: Inventory) -> list[str]:
    """The keys of an optimizer's state in a checkpoint."""
    return [
        key
        for key, entry in source.variables.items()
        if (state := entry_state(entry)) is not None and state.kind == "slot"
    ]


def state_in_keras_file(
    derived: Mapping[str, Derived], source: Inventory, graph: GraphSpec | None
) -> tuple[dict[str, str], str]:
    """The keys of a state that can go into a file of Keras 3, each with its place; why it cannot, if there is one."""
    left = {key for key in state_keys(source) if key in derived}
    if not left:
        return {}, ""
    kept = sorted(
        (key for key in left if key.startswith(_PLACE) and derived[key].source == key),
        key=lambda key: int(key.rpartition("/")[2]),
    )
    if not kept:
        return {}, "Keras keeps one by the order of its variables, which this checkpoint does not tell"
    if graph is None:
        return {key: key for key in kept}, ""
    own = _optimizer_of(graph)
    if own is None:
        return {}, "the model has no optimizer: it is not compiled"
    moved = [variable.key for variable in graph.variables if not _stays(variable, derived)]
    if moved:
        return {}, f"it goes by the order of the model's variables, and {moved[0]} is another one than before"
    specs = [derived[key].spec for key in kept]
    expected = [graph.keras.variables[number].spec for _, number in own.assigned] if graph.keras else []
    if len(expected) == len(specs) and [spec.shape for spec in expected] != [spec.shape for spec in specs]:
        return {}, "the model's optimizer keeps other values"
    return {key: key for key in kept}, ""


def _optimizer_of(graph: GraphSpec) -> OwnVariables | None:
    """How the model's optimizer loads its variables; None where it has none, or where that is not known."""
    model = graph.keras
    if model is None or not model.saveables:
        return None
    numbers = [child.saveable for child in model.saveables[ROOT].children if child.name == "optimizer"]
    return model.saveables[numbers[0]].own if numbers and numbers[0] >= 0 else None


def _stays(variable: Variable, derived: Mapping[str, Derived]) -> bool:
    """Whether a variable has its value in the place that it has in the source."""
    tensor = derived.get(variable.key)
    return tensor is not None and tensor.source == variable.stored and tensor.spec.shape == variable.spec.shape
