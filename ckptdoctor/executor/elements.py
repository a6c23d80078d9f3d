"""The elements of a tensor that a plan makes, row by row: nothing is computed before it is asked for.

What only moves elements is a view of the mapped file where NumPy can make one; what computes works on the rows asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from ckptdoctor.conversion.plan import Derived
from ckptdoctor.errors import UsageError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.slices import assemble_rows
from ckptdoctor.io.mapped_file import let_go
from ckptdoctor.limits import COPY_CHUNK
from ckptdoctor.ops import (
    Cast,
    Concat,
    Describe,
    Flip,
    FoldScale,
    FoldShift,
    Gather,
    Initialise,
    Join,
    Multiply,
    Partition,
    Reshape,
    Rows,
    Slice,
    Spread,
    Sum,
    Transpose,
)
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


def elements(checkpoint: Checkpoint, derived: Derived) -> Elements:
    """The elements of a tensor of the output.

    Raises:
        UsageError: values do not allow what the plan wants, such as a convolution that is not zero between channels.
        FormatError: the source is damaged.
    """
    if derived.op is None:
        return _source(checkpoint, derived)
    parents = [elements(checkpoint, parent) for parent in derived.parents]
    return _MAKERS[type(derived.op)](derived.op, derived.spec, *parents)


def _source(checkpoint: Checkpoint, derived: Derived) -> Elements:
    """The elements of a tensor of the source: mapped, and given back before more of them are read."""
    key, spec = derived.source, derived.spec
    view = cache(lambda: checkpoint.read(key))

    def rows(start: int, stop: int) -> NDArray[Any]:
        let_go(view())
        return view()[start:stop] if spec.shape else view()

    def sliced_rows(start: int, stop: int) -> NDArray[Any]:
        pieces = list(checkpoint.pieces(key))
        made = assemble_rows(spec, pieces, start, stop)
        for _, values in pieces:
            let_go(values)
        return made

    if checkpoint.inventory.entries[key].slices:
        return Elements(spec, sliced_rows)
    return Elements(spec, rows, view)


def chunks(made: Elements) -> Iterator[NDArray[Any]]:
    """The elements in row-major order, in parts of bounded size."""
    spec = made.spec
    limit = max(1, COPY_CHUNK // max(1, spec.dtype.itemsize))
    if not spec.shape or spec.elements <= limit:
        yield made.whole()
        if made.view is not None:
            let_go(made.view())
        return
    step = max(1, limit // (spec.elements // spec.shape[0]))
    for start in range(0, spec.shape[0], step):
        rows = made.rows(start, min(start + step, spec.shape[0]))
        yield from _parts(rows, limit)


def sliced(made: Elements, part: TensorSlice) -> Iterator[NDArray[Any]]:
    """The elements of a part, in chunks."""
    box = part.resolve(made.spec.shape)
    shape = tuple(side.stop - side.start for side in box)
    within = (slice(None), *box[1:])
    taken = Elements(
        TensorSpec(made.spec.dtype, shape),
        lambda start, stop: made.rows(box[0].start + start, box[0].start + stop)[within],
    )
    return chunks(taken)


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


def _view(spec: TensorSpec, view: Callable[[], NDArray[Any]]) -> Elements:
    """Elements that lie somewhere already, or that are computed whole, once."""
    whole = cache(view)
    return Elements(spec, lambda start, stop: _gathered(whole()[start:stop]) if spec.shape else whole(), whole)


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
    made = np.empty(values.shape, dtype=values.dtype)
    for start in range(0, values.shape[axis], step):
        box = tuple(slice(start, start + step) if at == axis else slice(None) for at in range(values.ndim))
        made[box] = values[box]
        let_go(values)
    return made


def _reshape(op: Reshape, spec: TensorSpec, values: Elements) -> Elements:
    if values.spec.shape == op.shape:
        return values
    return _view(spec, lambda: values.whole().reshape(op.shape))


def _transpose(op: Transpose, spec: TensorSpec, values: Elements) -> Elements:
    return _view(spec, lambda: values.whole().transpose(op.perm))


def _flip(op: Flip, spec: TensorSpec, values: Elements) -> Elements:
    box = tuple(slice(None, None, -1 if axis in op.axes else 1) for axis in range(len(spec.shape)))
    return _view(spec, lambda: values.whole()[box])


def _slice(op: Slice, spec: TensorSpec, values: Elements) -> Elements:
    box = tuple(slice(op.start, op.stop) if axis == op.axis else slice(None) for axis in range(len(spec.shape)))
    return _view(spec, lambda: values.whole()[box])


def _cast(op: Cast, spec: TensorSpec, values: Elements) -> Elements:
    return Elements(spec, lambda start, stop: values.rows(start, stop).astype(op.dtype.to_numpy()))


def _multiply(op: Multiply, spec: TensorSpec, values: Elements) -> Elements:
    factor = spec.dtype.to_numpy().type(op.factor)
    return Elements(spec, lambda start, stop: values.rows(start, stop) * factor)


def _sum(op: Sum, spec: TensorSpec, values: Elements) -> Elements:
    dtype = spec.dtype.to_numpy()
    if op.axis:
        return Elements(
            spec, lambda start, stop: values.rows(start, stop).sum(axis=op.axis, keepdims=True).astype(dtype)
        )
    return Elements(spec, lambda start, stop: values.whole().sum(axis=0, keepdims=True).astype(dtype)[start:stop])


def _rows(op: Rows, spec: TensorSpec, values: Elements) -> Elements:
    whole = cache(values.whole)

    def rows(start: int, stop: int) -> NDArray[Any]:
        import numpy as np

        wanted = np.array(op.rows[start:stop], dtype=np.int64)
        # The rows may lie anywhere, so their tensor is there whole; what is made of it is not.
        made = np.empty((len(wanted), *spec.shape[1:]), dtype=spec.dtype.to_numpy())
        kept = wanted >= 0
        made[kept] = whole()[wanted[kept]]
        for position in np.flatnonzero(~kept):
            # A row of its own for each seed, so that a table does not depend on the parts in which it is made.
            random = np.random.default_rng((op.seed, start + int(position))) if op.stddev else None
            made[position] = random.normal(op.mean, op.stddev, spec.shape[1:]) if random else op.mean
        return made

    return Elements(spec, rows)


def _spread(op: Spread, spec: TensorSpec, values: Elements) -> Elements:
    def rows(start: int, stop: int) -> NDArray[Any]:
        import numpy as np

        kernel = values.rows(start, stop)
        kh, kw, channels, multiplier = kernel.shape
        made = np.zeros((kh, kw, channels, channels, multiplier), dtype=kernel.dtype)
        every = np.arange(channels)
        made[:, :, every, every] = kernel
        return made.reshape(kh, kw, channels, channels * multiplier)

    return Elements(spec, rows)


def _gather(op: Gather, spec: TensorSpec, values: Elements) -> Elements:
    def rows(start: int, stop: int) -> NDArray[Any]:
        import numpy as np

        kernel = values.rows(start, stop)
        kh, kw, channels, outputs = kernel.shape
        apart = kernel.reshape(kh, kw, channels, channels, outputs // channels)
        every = np.arange(channels)
        made = apart[:, :, every, every]
        if np.count_nonzero(apart) != np.count_nonzero(made):
            raise UsageError(
                f"{op.key} mixes channels: it is no depthwise convolution", hint="Leave this key out of the plan."
            )
        return made

    return Elements(spec, rows)


def _concat(op: Concat, spec: TensorSpec, *parts: Elements) -> Elements:
    def rows(start: int, stop: int) -> NDArray[Any]:
        import numpy as np

        if op.axis:
            return np.concatenate([part.rows(start, stop) for part in parts], axis=op.axis)
        taken, offset = [], 0
        for part in parts:
            size = part.spec.shape[0]
            low, high = max(start - offset, 0), min(stop - offset, size)
            if low < high:
                taken.append(part.rows(low, high))
            offset += size
        return np.concatenate(taken) if taken else parts[0].rows(0, 0)

    return Elements(spec, rows)


def _initialise(op: Initialise, spec: TensorSpec) -> Elements:
    def view() -> NDArray[Any]:
        import numpy as np

        dtype = spec.dtype.to_numpy()
        if not op.stddev:
            return np.full(spec.shape, op.mean, dtype=dtype)
        return np.random.default_rng(op.seed).normal(op.mean, op.stddev, spec.shape).astype(dtype)

    return _view(spec, view)


def _describe(op: Describe, spec: TensorSpec) -> Elements:
    def view() -> NDArray[Any]:
        import numpy as np

        text = np.empty((), dtype=object)
        text[()] = op.data
        return text

    return _view(spec, view)


def _join(op: Join, spec: TensorSpec, values: Elements) -> Elements:
    return values


def _fold_scale(op: FoldScale, spec: TensorSpec, values: Elements, variance: Elements, *gamma: Elements) -> Elements:
    def rows(start: int, stop: int) -> NDArray[Any]:
        kernel = values.rows(start, stop)
        factor = _scale(op.epsilon, variance, gamma[0] if gamma else None)
        if factor.size != spec.shape[-1]:
            factor = factor.reshape(spec.shape[2:])  # a depthwise kernel [kh,kw,in,m] has in·m outputs
        return cast("NDArray[Any]", (kernel.astype(factor.dtype) * factor).astype(kernel.dtype))

    return Elements(spec, rows)


def _fold_shift(op: FoldShift, spec: TensorSpec, mean: Elements, variance: Elements, *others: Elements) -> Elements:
    def view() -> NDArray[Any]:
        rest = iter(others)
        bias = next(rest).whole() if op.bias else 0.0
        beta = next(rest).whole() if op.beta else 0.0
        gamma = next(rest) if op.gamma else None
        factor = _scale(op.epsilon, variance, gamma)
        made = beta + (bias - mean.whole().astype(factor.dtype)) * factor
        return cast("NDArray[Any]", made.astype(spec.dtype.to_numpy()))

    return _view(spec, view)


def _scale(epsilon: float, variance: Elements, gamma: Elements | None) -> NDArray[Any]:
    """gamma / sqrt(variance + epsilon), in double precision."""
    import numpy as np

    factor = 1.0 / np.sqrt(variance.whole().astype(np.float64) + epsilon)
    return factor if gamma is None else gamma.whole().astype(np.float64) * factor


_MAKERS: dict[type[Any], Callable[..., Elements]] = {
    Reshape: _reshape,
    Transpose: _transpose,
    Flip: _flip,
    Slice: _slice,
    Cast: _cast,
    Multiply: _multiply,
    Sum: _sum,
    Rows: _rows,
    Spread: _spread,
    Gather: _gather,
    Concat: _concat,
    Initialise: _initialise,
    Describe: _describe,
    Join: _join,
    Partition: _join,
    FoldScale: _fold_scale,
    FoldShift: _fold_shift,
}
"""How each operation's elements are made; renaming and dropping make none."""
