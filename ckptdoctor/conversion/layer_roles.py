"""The variables of each layer by their roles, for the plans that rewrite a layer as a whole."""

from __future__ import annotations

from ckptdoctor.libraries.name import read_name
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.inventory import Entry, Inventory


def layer_roles(inventory: Inventory) -> dict[str, dict[str, Entry]]:
    """Scope of a layer -> role ("kernel", "moving_mean", …) -> its variable; training state is left out."""
    found: dict[str, dict[str, Entry]] = {}
    for key, entry in inventory.variables.items():
        if entry.owner or training_state(key) is not None:
            continue
        name = read_name(entry.name or key)
        found.setdefault(name.scope, {})[name.role] = entry
    return found
