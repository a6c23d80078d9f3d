"""An inventory as JSON, `ckptdoctor.inspect/1`."""

from __future__ import annotations

from typing import Any

from ckptdoctor.specs.inventory import Inventory

SCHEMA = "ckptdoctor.inspect/1"


def inspect_to_dict(inventory: Inventory) -> dict[str, Any]:
    """The inventory as plain values; sizes in bytes."""
    entries = list(inventory.entries.values())
    return {
        "schema": SCHEMA,
        "checkpoint": inventory.source,
        "format": inventory.format,
        "files": [str(path) for path in inventory.files],
        "notes": list(inventory.notes),
        "summary": {
            "variables": len(inventory.variables),
            "parameters": sum(entry.spec.elements for entry in inventory.variables.values()),
            "bytes": sum(entry.spec.nbytes for entry in inventory.variables.values()),
        },
        "variables": [
            {
                "name": entry.key,
                "shape": list(entry.spec.shape),
                "dtype": entry.spec.dtype.name,
                "bytes": entry.spec.nbytes,
                "slices": len(entry.slices),
                "recorded_name": entry.name or None,
                "path": entry.path or None,
                "slot_of": entry.owner or None,
                "slot": entry.slot or None,
            }
            for entry in entries
        ],
    }
