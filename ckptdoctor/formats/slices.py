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
    for one, other in combinations(boxes, 2):
        if all(max(a.start, b.start) < min(a.stop, b.stop) for a, b in zip(one, other, strict=True)):
            raise ValueError(f"its slices {one} and {other} overlap")
    covered = sum(prod(side.stop - side.start for side in box) for box in boxes)
    if covered != prod(shape):
        raise ValueError(f"its slices hold {covered:,} of {prod(shape):,} elements")


def assemble(spec: TensorSpec, pieces: Iterable[tuple[TensorSlice, NDArray[Any]]]) -> NDArray[Any]:
    """The whole tensor, read-only.

    Raises:
        ValueError: a piece has another shape than its slice.
    """
    import numpy as np

    whole = np.empty(spec.shape, dtype=spec.dtype.to_numpy())
    for part, values in pieces:
        box = part.resolve(spec.shape)
        wanted = tuple(side.stop - side.start for side in box)
        if values.shape != wanted:
            raise ValueError(f"a slice of {wanted} holds {values.shape}")
        whole[box] = values
    whole.flags.writeable = False
    return whole
