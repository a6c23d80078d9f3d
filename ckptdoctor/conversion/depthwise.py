"""Depthwise kernels `[kh,kw,in,m]` as convolutions `[kh,kw,in,in·m]`, and back.

Source: TensorFlow, tensorflow/python/ops/nn_impl.py, `depthwise_conv2d`: output k·m + q is of channel k.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.conversion.slots import with_slots
from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Gather, Spread
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Inventory


def depthwise_to_conv(inventory: Inventory, only: Sequence[str]) -> Plan:
    """Convolutions that compute the same as the depthwise ones: zero between different channels.

    Raises:
        UsageError: no key that matches is a kernel.
    """
    return _plan(inventory, only, Spread, "depthwise kernel [kh,kw,in,m]")


def conv_to_depthwise(inventory: Inventory, only: Sequence[str]) -> Plan:
    """Depthwise kernels of convolutions that are zero between different channels, which is checked as they are read.

    Raises:
        UsageError: no key that matches is a kernel.
    """
    return _plan(inventory, only, Gather, "kernel [kh,kw,in,in·m]")


def _plan(inventory: Inventory, only: Sequence[str], op: type[Spread | Gather], what: str) -> Plan:
    if not only:
        raise UsageError("which kernels?", hint="Name them: --only '*/depthwise_weights'")
    keys = [key for key in inventory.variables if any(fnmatchcase(key, glob) for glob in only)]
    kernels = [key for key in keys if len(inventory.entries[key].spec.shape) == 4]
    if not kernels:
        raise UsageError(
            f"--only names no {what}", hint=f"See: {own_command('inspect', operand(inventory.source), '--table')}"
        )
    return with_slots(Plan(inventory.source, tuple(op(key) for key in kernels)), inventory)
