"""Casts of a whole checkpoint: `--dtype`."""

from __future__ import annotations

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.diagnosis.rules.dtype_mismatch import is_lossless
from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Cast
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.inventory import Inventory


def cast_all(inventory: Inventory, name: str) -> Plan:
    """Every floating-point tensor to one type; integers, strings and booleans stay.

    Raises:
        UsageError: there is no such floating-point type, or nothing to cast.
    """
    try:
        dtype = dtype_from_name(name)
        if not dtype.is_floating:
            raise KeyError
    except KeyError:
        raise UsageError(
            f"--dtype {name} is no floating-point type", hint="float32, float16, bfloat16 or float64."
        ) from None
    chosen = [
        entry for entry in inventory.variables.values() if entry.spec.dtype.is_floating and entry.spec.dtype != dtype
    ]
    if not chosen:
        raise UsageError(
            f"{inventory.source} holds no floating-point tensor of another type", hint="Leave --dtype out."
        )
    losing = sorted({entry.spec.dtype.name for entry in chosen if not is_lossless(entry.spec.dtype, dtype)})
    notes = (f"{', '.join(losing)} to {dtype} loses bits: values are rounded, and what is too large becomes Inf.",)
    return Plan(inventory.source, tuple(Cast(entry.key, dtype) for entry in chosen), notes if losing else ())
