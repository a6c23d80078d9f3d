"""What a remedy promises, told from its examples alone: which variable holds what afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.ops import Cast, Concat, Drop, Op, Rename, Reshape, Slice, Transpose


def restored_by_code(alignment: Alignment, *, reshape: bool = False) -> dict[str, str]:
    """Variable → key: all that fits, but nothing of a layer whose kernel does not, and no state of what is left out."""
    fits = {
        pair.variable.name: pair.entry.key
        for pair in alignment.pairs
        if pair.same_dtype
        and (pair.renaming is None or pair.renaming.certain)
        and (pair.same_shape or (reshape and pair.variable.spec.elements == pair.entry.spec.elements))
    }
    broken = {
        _layer(item.name)
        for item in alignment.graph.variables
        if len(item.spec.shape) > 1 and item.name not in fits and _owner(item.name) is None
    }
    kept = {name: key for name, key in fits.items() if not _within(name, broken)}
    return {name: key for name, key in kept.items() if _owner(name) in (None, *kept)}


def _layer(name: str) -> str:
    return name.rpartition("/")[0] or name


def _within(name: str, layers: set[str]) -> bool:
    """Whether a variable is in one of these layers, or in the normalisation within it."""
    return any(name == layer or name.startswith(f"{layer}/") for layer in layers if "/" in layer or layer == name) or (
        _layer(name) in layers
    )


def _owner(name: str) -> str | None:
    """The variable that a slot or an average belongs to."""
    owner, _, leaf = name.rpartition("/")
    return owner if leaf.startswith(("Adam", "Momentum", "ExponentialMovingAverage")) and owner else None


def carried_out(ops: Sequence[Op], stored: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What a checkpoint holds when these operations are done, in NumPy's words; renames come last, all at once."""
    values = dict(stored)
    renames = {}
    for op in ops:
        if isinstance(op, Rename):
            renames[op.key] = op.to
        elif isinstance(op, Drop):
            renames[op.key] = ""
        elif isinstance(op, Reshape):
            values[op.key] = values[op.key].reshape(op.shape)
        elif isinstance(op, Transpose):
            values[op.key] = values[op.key].transpose(op.perm)
        elif isinstance(op, Cast):
            values[op.key] = values[op.key].astype(str(op.dtype))
        elif isinstance(op, Slice):
            values[op.to] = np.take(values[op.key], range(op.start, op.stop), op.axis)
        elif isinstance(op, Concat):
            values[op.to] = np.concatenate([values.pop(key) for key in op.keys], op.axis)
        else:
            raise TypeError(f"no remedy has used {op} until now")
    moved = {renames[key]: value for key, value in values.items() if renames.get(key)}
    return {**{key: value for key, value in values.items() if key not in renames}, **moved}
