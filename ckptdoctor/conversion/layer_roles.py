"""The variables of each layer by their roles, for the plans that rewrite a layer as a whole."""

from __future__ import annotations

from ckptdoctor.libraries.name import read_entry
from ckptdoctor.libraries.training_state import entry_state
from ckptdoctor.specs.inventory import Entry, Inventory


def layer_roles(inventory: Inventory) -> dict[str, dict[str, Entry]]:
    """Scope of a layer -> role ("kernel", "moving_mean", …) -> its variable; training state is left out."""
    layers: dict[str, dict[str, Entry]] = {}
    for entry in inventory.variables.values():
        if entry_state(entry) is None:
            name = read_entry(entry)
            layers.setdefault(name.scope, {})[name.role] = entry
    return layers
