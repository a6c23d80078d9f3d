"""Partitioned variables whole, and whole ones partitioned: `--whole`, `--partition GLOB=PARTS[@AXIS]`.

TensorFlow reads either into either: a slice is looked up in whatever slices there are. Other readers want whole ones.

Source: TensorFlow, tensorflow/core/util/tensor_bundle/tensor_bundle.cc, `BundleReader::LookupSlice`;
tensorflow/python/ops/partitioned_variables.py, `fixed_size_partitioner`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.conversion.slots import with_slots
from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Join, Op, Partition
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Inventory

_WISH = re.compile(r"(?P<glob>.+)=(?P<parts>\d+)(@(?P<axis>\d+))?")


def join_all(inventory: Inventory) -> Plan:
    """Every partitioned variable as one tensor.

    Raises:
        UsageError: none is partitioned.
    """
    sliced = [key for key, entry in inventory.entries.items() if entry.slices]
    if not sliced:
        raise UsageError(f"{inventory.source} has no partitioned variable", hint="Leave --whole out.")
    return Plan(inventory.source, tuple(map(Join, sliced)))


def partition(inventory: Inventory, wishes: Sequence[str]) -> Plan:
    """The variables that match, in slices.

    Raises:
        UsageError: a wish is not GLOB=PARTS[@AXIS], or matches no variable.
    """
    ops: list[Op] = []
    for wish in wishes:
        match = _WISH.fullmatch(wish)
        if match is None:
            raise UsageError(
                f"--partition {wish!r} is not KEY=PARTS[@AXIS]", hint="For example --partition '*/embeddings=4'"
            )
        keys = [key for key in inventory.variables if fnmatchcase(key, match["glob"])]
        if not keys:
            raise UsageError(
                f"--partition {wish!r} matches no key",
                hint=f"See: {own_command('inspect', operand(inventory.source), '--table')}",
            )
        ops += [Partition(key, int(match["axis"] or 0), int(match["parts"])) for key in keys]
    return with_slots(Plan(inventory.source, tuple(ops)), inventory)
