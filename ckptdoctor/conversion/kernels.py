"""Kernels in another library's layout: `--kernels FROM:TO`, and the rows of the dense layer behind a flatten."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from math import prod

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.conversion.slots import with_slots
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.kernel_layouts import KERNEL_LAYOUTS, KernelLayout
from ckptdoctor.libraries.name import read_entry
from ckptdoctor.ops import Flip, Op, Reshape, Transpose
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.tensor import Shape, show_shape

_KEPT = re.compile(r"embedding|embed|lstm|gru|rnn", re.IGNORECASE)
_FLATTEN = re.compile(r"(?P<glob>.+)=(?P<sizes>\d+(x\d+)+)")
_EXAMPLE = "For example --kernels theano:tensorflow --flatten 'dense_1/kernel=64x7x7' (channels x height x width)."


def convert_kernels(inventory: Inventory, wanted: str, flattened: Sequence[str], only: Sequence[str] = ()) -> Plan:
    """Every convolution and dense kernel, from one convention to another.

    Args:
        inventory: the checkpoint.
        wanted: `FROM:TO`.
        flattened: `GLOB=CxHxW` each: dense kernels that take a flattened map of this size.
        only: globs; the keys to convert. Without them, all that are kernels by their names and ranks.

    Raises:
        UsageError: a convention is unknown, a glob matches no dense kernel, or a map has not as many elements.
    """
    names = wanted.split(":")
    if len(names) != 2 or not set(names) <= set(KERNEL_LAYOUTS) or names[0] == names[1]:
        raise UsageError(
            f"--kernels {wanted!r} is not FROM:TO", hint=f"Conventions: {', '.join(KERNEL_LAYOUTS)}. {_EXAMPLE}"
        )
    old, new = (KERNEL_LAYOUTS[name] for name in names)
    maps = [_parse_flatten(text) for text in flattened]
    ops: list[Op] = []
    used: set[str] = set()
    open_ends: list[str] = []
    for entry in _kernels(inventory, only):
        rank = len(entry.spec.shape)
        if rank > 2:
            ops += _convolution(entry, old, new)
            continue
        found = next(((glob, sizes) for glob, sizes in maps if fnmatchcase(entry.key, glob)), None)
        ops += _dense(entry, old, new, found[1] if found else ())
        if found:
            used.add(found[0])
        elif old.channels_first != new.channels_first:
            open_ends.append(entry.key)
    idle = [glob for glob, _ in maps if glob not in used]
    if idle:
        raise UsageError(
            f"--flatten {idle[0]!r} names no dense kernel",
            hint=f"See: {own_command('inspect', operand(inventory.source))}",
        )
    if not ops:
        raise UsageError(f"{inventory.source} has no kernels to convert", hint="Name them: --only GLOB")
    notes: tuple[str, ...] = ()
    if open_ends:
        shown = ", ".join(open_ends[:3]) + (f" and {len(open_ends) - 3} more" if len(open_ends) > 3 else "")
        notes = (f"{shown}: if one takes a flattened map, its rows are in another order; say so: --flatten KEY=CxHxW.",)
    return with_slots(Plan(inventory.source, tuple(ops), notes), inventory)


def _kernels(inventory: Inventory, only: Sequence[str]) -> list[Entry]:
    found = []
    for key, entry in inventory.variables.items():
        rank = len(entry.spec.shape)
        if not 2 <= rank <= 5 or not entry.spec.dtype.is_floating or entry.owner:
            continue
        named = any(fnmatchcase(key, glob) for glob in only)
        role = read_entry(entry).role
        if named if only else role == "kernel" and not (rank == 2 and _KEPT.search(key)):
            found.append(entry)
    return found


def _convolution(entry: Entry, old: KernelLayout, new: KernelLayout) -> list[Op]:
    rank = len(entry.spec.shape)
    ops: list[Op] = []
    spatial = tuple(range(2, rank)) if old.outputs_first else tuple(range(rank - 2))
    if old.flipped != new.flipped:
        ops.append(Flip(entry.key, spatial))
    if old.outputs_first != new.outputs_first:
        # [out,in,spatial…] and [spatial…,in,out]
        perm = (*range(2, rank), 1, 0) if old.outputs_first else (rank - 1, rank - 2, *range(rank - 2))
        ops.append(Transpose(entry.key, perm))
    return ops


def _dense(entry: Entry, old: KernelLayout, new: KernelLayout, sizes: Shape) -> list[Op]:
    """A matrix, through `[in,out]`: there the rows of a flattened map are put into the new order."""
    ops: list[Op] = [Transpose(entry.key, (1, 0))] if old.dense_transposed else []
    rows, out = entry.spec.shape[::-1] if old.dense_transposed else entry.spec.shape
    if sizes and old.channels_first != new.channels_first:
        if prod(sizes) != rows:
            raise UsageError(
                f"{entry.key} {show_shape(entry.spec.shape)} takes {rows:,} inputs, a map of "
                f"{'x'.join(map(str, sizes))} has {prod(sizes):,}",
                hint=_EXAMPLE,
            )
        channels, *space = sizes
        rank = len(sizes)
        if old.channels_first:
            ops += [
                Reshape(entry.key, (channels, *space, out)),
                Transpose(entry.key, (*range(1, rank), 0, rank)),
                Reshape(entry.key, (rows, out)),
            ]
        else:
            ops += [
                Reshape(entry.key, (*space, channels, out)),
                Transpose(entry.key, (rank - 1, *range(rank - 1), rank)),
                Reshape(entry.key, (rows, out)),
            ]
    if new.dense_transposed:
        ops.append(Transpose(entry.key, (1, 0)))
    return _without_undoing(ops)


def _without_undoing(ops: list[Op]) -> list[Op]:
    """The operations without two transposes of a matrix that stand next to each other."""
    for number, (one, other) in enumerate(pairwise(ops)):
        if isinstance(one, Transpose) and isinstance(other, Transpose) and one.perm == other.perm == (1, 0):
            return _without_undoing(ops[:number] + ops[number + 2 :])
    return ops


def _parse_flatten(text: str) -> tuple[str, Shape]:
    match = _FLATTEN.fullmatch(text)
    if match is None:
        raise UsageError(f"--flatten {text!r} is not KEY=CxHxW", hint=_EXAMPLE)
    return match["glob"], tuple(int(size) for size in match["sizes"].split("x"))
