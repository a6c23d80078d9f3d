"""The elements of a tensor, row by row: nothing is computed before it is asked for.

What only moves elements is a view of others where NumPy can make one; what computes works on the rows asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from ckptdoctor.io.mapped_file import let_go
from ckptdoctor.limits import COPY_CHUNK
from ckptdoctor.specs.tensor import TensorSlice, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOUCHED = 8 * COPY_CHUNK
"""Bytes of a mapped tensor that a part of a transposed one may touch before they are given back."""


class Elements:
    """A tensor's elements.

    Args:
        spec: its type and shape.
        rows: gives the rows `start` to `stop` along the first axis; a scalar comes whole.
        view: gives the whole without computing or copying anything, where that is possible.
    """

    def __init__(
        self,
        spec: TensorSpec,
        rows: Callable[[int, int], NDArray[Any]],
        view: Callable[[], NDArray[Any]] | None = None,
    ) -> None:
        self.spec, self.rows, self.view = spec, rows, view

    def whole(self) -> NDArray[Any]:
        """All elements, at once."""
        return self.view() if self.view is not None else self.rows(0, self.spec.shape[0] if self.spec.shape else 1)


def viewed(spec: TensorSpec, view: Callable[[], NDArray[Any]]) -> Elements:
    """Elements that lie somewhere already, or that are computed whole, once."""
    whole = cache(view)
    return Elements(spec, lambda start, stop: _gathered(whole()[start:stop]) if spec.shape else whole(), whole)


def chunks(values: Elements) -> Iterator[NDArray[Any]]:
    """The elements in row-major order, in parts of bounded size."""
    spec = values.spec
    limit = max(1, COPY_CHUNK // max(1, spec.dtype.itemsize))
    if not spec.shape or spec.elements <= limit:
        yield values.whole()
        if values.view is not None:
            let_go(values.view())
        return
    step = max(1, limit // (spec.elements // spec.shape[0]))
    for start in range(0, spec.shape[0], step):
        rows = values.rows(start, min(start + step, spec.shape[0]))
        yield from _parts(rows, limit)


def sliced(values: Elements, part: TensorSlice) -> Elements:
    """The elements of a slice."""
    box = part.resolve(values.spec.shape)
    shape = tuple(side.stop - side.start for side in box)
    within = (slice(None), *box[1:])
    return Elements(
        TensorSpec(values.spec.dtype, shape),
        lambda start, stop: values.rows(box[0].start + start, box[0].start + stop)[within],
    )


def _parts(values: NDArray[Any], limit: int) -> Iterator[NDArray[Any]]:
    """Parts of an array in row-major order, of at most `limit` elements each."""
    if values.size <= limit or not values.ndim:
        yield values
        return
    row = values.size // len(values)
    if row > limit:
        for part in values:
            yield from _parts(part, limit)
        return
    step = max(1, limit // row)
    for start in range(0, len(values), step):
        yield values[start : start + step]


def _gathered(values: NDArray[Any]) -> NDArray[Any]:
    """A view's elements in their order, read along the axis on which they lie farthest apart.

    A part of a transposed tensor touches all of it: what was touched is given back before more of it is.
    """
    import numpy as np

    if values.flags.c_contiguous or not values.size:
        return values
    strides = [abs(stride) for stride in values.strides]
    axis = strides.index(max(strides))
    step = max(1, _TOUCHED // strides[axis])
    gathered = np.empty(values.shape, dtype=values.dtype)
    for start in range(0, values.shape[axis], step):
        box = tuple(slice(start, start + step) if at == axis else slice(None) for at in range(values.ndim))
        gathered[box] = values[box]
        let_go(values)
    return gathered
