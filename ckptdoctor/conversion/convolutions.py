"""Convolution kernels into matrices and back, without a graph: what the checkpoint alone can tell.

A classifier that was written as convolutions (slim's VGG: 7×7, 1×1, 1×1) is a chain at the end of the network. A 1×1
kernel whose outputs go into other convolutions (a ResNet's bottleneck, an Inception branch) is a convolution, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.conversion.slots import with_slots
from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Reshape
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.objects import OBJECT_VALUE
from ckptdoctor.specs.tensor import show_shape

_KERNEL = re.compile(r"(^|.*/)(weights?|kernel|w)(/\.ATTRIBUTES/VARIABLE_VALUE)?$", re.IGNORECASE)
_IMAGE_CHANNELS = (1, 3, 4)
_NO_KERNEL = re.compile(r"depthwise|pointwise|embedding|lstm|gru|rnn", re.IGNORECASE)


def conv_to_dense(inventory: Inventory, only: Sequence[str], kernel: tuple[int, int] | None) -> Plan:
    """Kernels `[kh,kw,in,out]` → matrices `[kh·kw·in,out]`.

    Args:
        inventory: the checkpoint.
        only: globs; the keys to convert. Without them, the convolutional classifier at the end of the network.
        kernel: convert kernels of this height and width only.

    Raises:
        UsageError: a glob matches no kernel, or nothing is found to convert.
    """
    notes: list[str] = []
    kernels = _kernels(inventory, 4)
    if kernel:
        kernels = [entry for entry in kernels if entry.spec.shape[:2] == kernel]
    if only:
        chosen = _matching(inventory, kernels, only, "convolution kernel [kh,kw,in,out]")
    else:
        chosen, notes = _classifier(_kernels(inventory, 4))
        chosen = [entry for entry in chosen if entry in kernels]
    if not chosen:
        raise UsageError(
            f"{inventory.source} has no convolution that is surely a dense layer",
            hint="\n".join([*notes[:8], "Name the kernels to convert: --only 'SCOPE/fc*/weights'"]),
        )
    ops = [Reshape(entry.key, (entry.spec.elements // entry.spec.shape[3], entry.spec.shape[3])) for entry in chosen]
    return with_slots(Plan(inventory.source, tuple(ops), tuple(notes)), inventory)


def dense_to_conv(inventory: Inventory, only: Sequence[str], kernel: tuple[int, int] | None) -> Plan:
    """Matrices `[kh·kw·in,out]` → kernels `[kh,kw,in,out]`.

    Args:
        inventory: the checkpoint.
        only: globs; the keys to convert. Without them, every matrix that has a bias beside it.
        kernel: height and width of the kernels. Without `only` it is for the first matrix, which took a flattened map,
            and the others become 1×1.

    Raises:
        UsageError: a glob matches no matrix, a matrix has not kh·kw·in rows, or it is open which one took the map.
    """
    matrices = _kernels(inventory, 2)
    if only:
        chosen = _matching(inventory, matrices, only, "matrix [in,out]")
        sizes = dict.fromkeys((entry.key for entry in chosen), kernel or (1, 1))
    else:
        chosen = [entry for entry in matrices if _has_bias(inventory, entry)]
        sizes = dict.fromkeys((entry.key for entry in chosen), (1, 1))
        if kernel:
            sizes[_first_dense(inventory, chosen, kernel).key] = kernel
    if not chosen:
        raise UsageError(
            f"{inventory.source} has no dense matrix with a bias", hint="Name them: --only 'SCOPE/fc*/weights'"
        )
    ops = []
    for entry in chosen:
        kh, kw = sizes[entry.key]
        rows, out = entry.spec.shape
        if rows % (kh * kw):
            raise UsageError(
                f"{entry.key} {show_shape(entry.spec.shape)}: {rows} rows are not {kh}·{kw} times a number of channels",
                hint="Give the kernel that the convolution has, or leave this key out with --only.",
            )
        ops.append(Reshape(entry.key, (kh, kw, rows // (kh * kw), out)))
    return with_slots(Plan(inventory.source, tuple(ops)), inventory)


def _kernels(inventory: Inventory, rank: int) -> list[Entry]:
    found = [
        entry
        for key, entry in inventory.entries.items()
        if len(entry.spec.shape) == rank
        and entry.spec.dtype.is_floating
        and entry.spec.elements
        and _KERNEL.fullmatch(key)
        and not _NO_KERNEL.search(key)
    ]
    return sorted(found, key=lambda entry: [int(part) if part.isdigit() else part for part in _digits(entry.key)])


def _digits(key: str) -> list[str]:
    """A key cut so that conv10 sorts after conv9; text and numbers alternate, so parts compare."""
    return re.split(r"(\d+)", key)


def _matching(inventory: Inventory, kernels: list[Entry], only: Sequence[str], what: str) -> list[Entry]:
    for glob in only:
        if not any(fnmatchcase(entry.key, glob) for entry in kernels):
            first = next(key for key in inventory.entries if fnmatchcase(key, glob))
            raise UsageError(
                f"--only {glob!r} names no {what}: it matches {first} {inventory.entries[first].spec}",
                hint=f"See: {own_command('inspect', operand(inventory.source))}",
            )
    return [entry for entry in kernels if any(fnmatchcase(entry.key, glob) for glob in only)]


def _classifier(kernels: list[Entry]) -> tuple[list[Entry], list[str]]:
    """The convolutions at the end of the network that are dense layers, and why the others are not."""
    followed: dict[str, Entry] = {}
    grew = True
    while grew:
        grew = False
        for entry in kernels:
            if entry.key in followed:
                continue
            for other in kernels:
                if other.spec.shape[2] in _IMAGE_CHANNELS and other is kernels[0]:
                    continue  # it takes the image, though a classifier may happen to have as many classes
                takes = other.key != entry.key and other.spec.shape[2] == entry.spec.shape[3]
                spatial = other.spec.shape[:2] != (1, 1)
                if takes and (spatial or other.key in followed):
                    followed[entry.key] = other
                    grew = True
                    break
    ends = [entry for entry in kernels if entry.key not in followed]
    pointwise = [entry for entry in ends if entry.spec.shape[:2] == (1, 1)]
    # A spatial kernel belongs to the classifier if the classifier's 1×1 kernels take what it gives.
    chosen = [entry for entry in ends if entry in pointwise or any(_feeds(entry, other) for other in pointwise)]
    notes = [
        f"{entry.key} {show_shape(entry.spec.shape)} stays: {followed[entry.key].key} "
        f"{show_shape(followed[entry.key].spec.shape)} can follow it, so it may be a convolution among convolutions."
        for entry in kernels
        if entry.key in followed and entry.spec.shape[:2] == (1, 1)
    ]
    return chosen, notes


def _feeds(entry: Entry, other: Entry) -> bool:
    return entry.spec.shape[3] == other.spec.shape[2]


def _has_bias(inventory: Inventory, entry: Entry) -> bool:
    scope, _, name = entry.key.removesuffix(OBJECT_VALUE).rpartition("/")
    tail = entry.key.removeprefix(f"{scope}/{name}" if scope else name)
    for bias in ("biases", "bias", "b"):
        found = inventory.entries.get((f"{scope}/{bias}" if scope else bias) + tail)
        if found and found.spec.shape == entry.spec.shape[1:]:
            return True
    return False


def _first_dense(inventory: Inventory, matrices: list[Entry], kernel: tuple[int, int]) -> Entry:
    """The matrix that took the flattened map: the one whose channels some convolution gives."""
    area = kernel[0] * kernel[1]
    outputs = {entry.spec.shape[3] for entry in _kernels(inventory, 4)}
    fitting = [entry for entry in matrices if entry.spec.shape[0] % area == 0]
    given = [entry for entry in fitting if entry.spec.shape[0] // area in outputs] or fitting
    if len(given) != 1:
        names = ", ".join(entry.key for entry in given) or "none"
        raise UsageError(
            f"which matrix took a {kernel[0]}x{kernel[1]} map? Fitting: {names}",
            hint="Name it: --only KEY --kernel HxW",
        )
    return given[0]
