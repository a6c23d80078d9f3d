"""Another number of input channels: `--input-channels N`.

What the network computes stays the same where that is possible: of three channels to one, the kernel's channels are added
up, so a grey image gives what it gave as three equal channels; of one to more, each new channel has an equal share; new
channels beside colours are zero, so that they change nothing until they are trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.name import read_entry
from ckptdoctor.ops import Concat, Initialise, Multiply, Op, Sum
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.tensor import show_shape

_IMAGES = (1, 3, 4)
_AXIS = 2


def change_input_channels(inventory: Inventory, channels: int, only: Sequence[str]) -> Plan:
    """The first convolution's kernel `[kh,kw,in,out]`, for images of another number of channels.

    Raises:
        UsageError: it is open which kernel takes the image, or it has more channels than can be given up.
    """
    entry = _first(inventory, only)
    key, spec = entry.key, entry.spec
    old = spec.shape[_AXIS]
    ops: list[Op] = []
    if channels < 1:
        raise UsageError(f"--input-channels {channels}", hint="1 for grey images, 4 for colours and one more.")
    if channels == old:
        raise UsageError(f"{key} {show_shape(spec.shape)} takes {old} channels already", hint="Leave it out.")
    if channels == 1:
        ops.append(Sum(key, _AXIS))
    elif old == 1:
        ops += [Concat((key,) * channels, _AXIS, key), Multiply(key, 1 / channels)]
    elif channels > old:
        shape = (*spec.shape[:_AXIS], channels - old, spec.shape[_AXIS + 1])
        more = f"{key}~more"
        ops += [Initialise(more, spec.dtype, shape), Concat((key, more), _AXIS, key)]
    else:
        raise UsageError(
            f"{key} takes {old} channels: which {channels} of them are meant?",
            hint='Write it into a plan: a step op = "slice", axis = 2.',
        )
    stale = [item.key for item in inventory.entries.values() if item.owner == key or item.key.startswith(f"{key}/")]
    notes = (
        (f"Slots of {key} keep their old shape: {', '.join(stale)}. --optimizer drop leaves them out.",)
        if stale
        else ()
    )
    return Plan(inventory.source, tuple(ops), notes)


def _first(inventory: Inventory, only: Sequence[str]) -> Entry:
    found = [
        entry
        for key, entry in inventory.variables.items()
        if len(entry.spec.shape) == 4
        and (
            any(fnmatchcase(key, glob) for glob in only)
            if only
            else entry.spec.shape[_AXIS] in _IMAGES and read_entry(entry).role == "kernel" and not entry.owner
        )
    ]
    if len(found) != 1:
        names = ", ".join(entry.key for entry in found[:4]) or "none"
        raise UsageError(f"which kernel takes the image? Fitting: {names}", hint="Name it: --only KEY")
    return found[0]
