"""slim's `assign_from_checkpoint_fn`: a Saver of the variables that are named, or of those that the checkpoint has.

Source: tf_slim 1.1.0, tf_slim/ops/variables.py, `assign_from_checkpoint_fn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ckptdoctor.loaders import tf1_saver
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory


def assign_from_checkpoint(
    graph: GraphSpec,
    inventory: Inventory,
    names: Mapping[str, str] | None = None,
    ignore_missing_vars: bool = False,
    reshape_variables: bool = False,
) -> Load | None:
    """What `slim.assign_from_checkpoint_fn(path, var_list, …)(session)` does; None where that cannot be told.

    Args:
        graph: whose variables are assigned.
        inventory: a TensorFlow checkpoint.
        names: name in the checkpoint → variable's name, the `var_list`; None for all variables by their own names.
        ignore_missing_vars, reshape_variables: as the function's own.
    """
    listed = {item.key: item.name for item in graph.variables} if names is None else dict(names)
    if not listed:
        return None
    options = ", ignore_missing_vars=True" * ignore_missing_vars + ", reshape_variables=True" * reshape_variables
    call = f"slim.assign_from_checkpoint_fn(path, variables{options})(session)"
    warnings: tuple[str, ...] = ()
    if ignore_missing_vars:
        warnings = tuple(
            f"Variable {key} missing in checkpoint {inventory.source}" for key in listed if key not in inventory.entries
        )
        listed = {key: name for key, name in listed.items() if key in inventory.entries}
    if not listed:
        kept = tuple(variable.key for variable in graph.variables)
        warnings = (*warnings, "No Variables to restore")
        return Load(call, {}, kept, warnings=warnings, ignored=tuple(inventory.variables))
    load = tf1_saver.restore(graph, inventory, listed, reshape_variables)
    return None if load is None else replace(load, call=call, warnings=(*warnings, *load.warnings))
