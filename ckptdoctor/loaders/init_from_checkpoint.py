"""`tf.compat.v1.train.init_from_checkpoint`, and the initializer that runs after it.

The map is gone through in the order of its left sides: a variable's name, or a scope that ends in `/`. It knows the
variables that `get_variable` makes, as slim and `tf.layers` do; for others, `tf.Variable`'s, it has no names.

Source: TensorFlow 2.21, tensorflow/python/training/checkpoint_utils.py, `_init_from_checkpoint`,
`_set_checkpoint_initializer` (which checks no shape; a reference variable does when it is initialised).
"""

from __future__ import annotations

from collections.abc import Mapping

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.tensor import show_shape


class _RaisedError(Exception):
    """The call ends with an error, `Class: first line`."""


def initialize(graph: GraphSpec, inventory: Inventory, names: Mapping[str, str]) -> Load | None:
    """What the variables hold once they are initialised; None where that cannot be told.

    Args:
        graph: a TensorFlow 1 graph, whose variables `get_variable` made.
        inventory: a TensorFlow checkpoint.
        names: the assignment map: a name or a scope in the checkpoint → a variable's name or a scope.
    """
    if any(variable.partitioned for variable in graph.variables):
        return None
    by_name = {variable.name: variable for variable in graph.variables}
    chosen: dict[str, str] = {}
    error = ""
    try:
        for left, right in sorted(names.items()):
            if right in by_name:
                chosen[right] = _named(by_name[right], left, inventory)
            else:
                chosen.update(_scope(by_name, left, right, inventory))
    except _RaisedError as raised:
        error = str(raised)
        chosen = {}
    causes: tuple[str, ...] = ()
    if not error:
        error, causes = _initializing(by_name, chosen, inventory)
    call = "tf.compat.v1.train.init_from_checkpoint(path, names)"
    if error:
        kept = tuple(item.key for item in graph.variables) if not causes else ()
        return Load(call, {}, kept, error, ignored=tuple(inventory.variables), causes=causes)
    given = {by_name[name].key: key for name, key in chosen.items()}
    used = set(given.values())
    return Load(
        call,
        given,
        tuple(variable.key for variable in graph.variables if variable.key not in given),
        ignored=tuple(key for key in inventory.variables if key not in used),
    )


def _named(variable: Variable, key: str, inventory: Inventory) -> str:
    entry = inventory.entries.get(key)
    if entry is None:
        raise _RaisedError(f"ValueError: Tensor {key} is not found in {inventory.source} checkpoint")
    expected, stored = variable.spec.shape, entry.spec.shape
    if variable.shape_known and (
        len(expected) != len(stored)
        or any(size not in (-1, other) for size, other in zip(expected, stored, strict=True))
    ):
        raise _RaisedError(
            f"ValueError: Shape of variable {variable.name}:0 ({expected}) doesn't match with shape of "
            f"tensor {key} ({list(stored)}) from checkpoint reader."
        )
    return key


def _scope(by_name: Mapping[str, Variable], left: str, right: str, inventory: Inventory) -> dict[str, str]:
    """The variables of a scope, each with the name that its own has below the checkpoint's scope."""
    scope = right.rpartition("/")[0]
    if not left.endswith("/"):
        raise _RaisedError(
            f"ValueError: Assignment map with scope only name {scope} should map to scope only {left}. "
            "Should be 'scope/': 'other_scope/'."
        )
    found = {}
    for name in sorted(by_name):
        if scope and not name.startswith(f"{scope}/"):
            continue
        below = name[len(scope) :]
        below = below if right == "/" else below[1:]
        key = (below if left == "/" else left + below).rstrip("/")
        if key not in inventory.entries:
            raise _RaisedError(
                f"ValueError: Tensor {key} ({name[len(scope) + 1 :]} in {left}) is not found in "
                f"{inventory.source} checkpoint"
            )
        found[name] = key
    return found


def _initializing(
    by_name: Mapping[str, Variable], chosen: Mapping[str, str], inventory: Inventory
) -> tuple[str, tuple[str, ...]]:
    """What initialising raises: each variable is read and assigned for itself, in no order that is promised."""
    causes = []
    for name, key in chosen.items():
        expected, stored = by_name[name].spec, inventory.entries[key].spec
        if expected.dtype != stored.dtype:
            causes.append(f"tensor_name = {key}; expected dtype")
        elif expected.shape != stored.shape and not by_name[name].resource and by_name[name].shape_known:
            causes.append(
                "Assign requires shapes of both tensors to match. "
                f"lhs shape= {show_shape(expected.shape)} rhs shape= {show_shape(stored.shape)}"
            )
    return ("InvalidArgumentError: " if causes else ""), tuple(causes)
