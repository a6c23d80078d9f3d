"""Putting a partitioned tensor together from its slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any

from ckptdoctor.limits import MAX_SLICES
from ckptdoctor.specs.tensor import Shape, TensorSlice, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def check_cover(parts: Sequence[TensorSlice], shape: Shape) -> None:
    """Makes sure that slices cover a tensor of this shape, each element exactly once.

    Raises:
        ValueError: one reaches outside, two overlap, or a part is left open.
    """
    if len(parts) > MAX_SLICES:
        raise ValueError(f"{len(parts):,} slices; at most {MAX_SLICES:,} are read")
    boxes = [part.resolve(shape) for part in parts]
    for box, other in combinations(boxes, 2):
        if all(max(a.start, b.start) < min(a.stop, b.stop) for a, b in zip(box, other, strict=True)):
            raise ValueError(f"its slices {box} and {other} overlap")
    covered = sum(prod(side.stop - side.start for side in box) for box in boxes)
    if covered != prod(shape):
        raise ValueError(f"its slices hold {covered:,} of {prod(shape):,} elements")


Piece = tuple[TensorSlice, "NDArray[Any]"]
"""A slice, and its values."""


def assemble(spec: TensorSpec, pieces: Iterable[Piece]) -> NDArray[Any]:
    """The whole tensor, read-only.

    Raises:
        ValueError: a piece has another shape than its slice.
    """
    whole = assemble_rows(spec, pieces, 0, spec.shape[0])
    whole.flags.writeable = False
    return whole


def assemble_rows(spec: TensorSpec, pieces: Iterable[Piece], start: int, stop: int) -> NDArray[Any]:
    """The rows `start` to `stop` of a tensor, along its first axis.

    Raises:
        ValueError: a piece has another shape than its slice.
    """
    import numpy as np

    rows = np.empty((stop - start, *spec.shape[1:]), dtype=spec.dtype.to_numpy())
    for part, values in pieces:
        box = part.resolve(spec.shape)
        shape = tuple(side.stop - side.start for side in box)
        if values.shape != shape:
            raise ValueError(f"a slice of {shape} holds {values.shape}")
        low, high = max(start, box[0].start), min(stop, box[0].stop)
        if low < high:
            place = (slice(low - start, high - start), *box[1:])
            rows[place] = values[low - box[0].start : high - box[0].start]
    return rows
