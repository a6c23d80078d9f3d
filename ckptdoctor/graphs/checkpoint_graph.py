"""A checkpoint in the graph's place: its keys are what is wanted."""

from __future__ import annotations

from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Inventory


def graph_of_inventory(name: str, inventory: Inventory) -> GraphSpec:
    """A checkpoint's keys as the left-hand side; `name` is what the user called it."""
    nodes = {item.key: number for number, item in enumerate(inventory.objects.objects)} if inventory.objects else {}
    variables = tuple(
        Variable(key, key, entry.spec, node=nodes.get(key, -1)) for key, entry in inventory.variables.items()
    )
    files = tuple(str(path) for path in inventory.files)
    return GraphSpec(name, GraphKind.CHECKPOINT, variables, files, inventory.notes, inventory.objects)
