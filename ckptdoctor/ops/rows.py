"""Taking rows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from ckptdoctor.ops.elements import Elements
from ckptdoctor.ops.op import Changes, require_axis, require_floating
from ckptdoctor.specs.tensor import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rows(Changes):
    """Takes rows by number, along the first axis, in a new order; a row may come twice or not at all; -1 is a new one.

    Attributes:
        key: the tensor.
        rows: the number of each row of the result in the tensor, or -1.
        mean, stddev: what new rows are drawn from; all `mean` where `stddev` is 0.
        seed: of the drawing.
    """

    verb: ClassVar[str] = "rows"
    rows: tuple[int, ...]
    mean: float = 0.0
    stddev: float = 0.0
    seed: int = 0

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with as many rows as are taken."""
        require_axis(spec, 0)
        if self.rows and not -1 <= min(self.rows) <= max(self.rows) < spec.shape[0]:
            raise ValueError(f"rows {min(self.rows)} to {max(self.rows)} of {spec.shape[0]}")
        if -1 in self.rows:
            require_floating(spec)
        if self.stddev < 0:
            raise ValueError(f"a deviation of {self.stddev}")
        return TensorSpec(spec.dtype, (len(self.rows), *spec.shape[1:]))

    def inverse(self, spec: TensorSpec) -> Rows | None:
        """The rows in their old order, if each was taken."""
        order = [-1] * spec.shape[0]
        for position, row in enumerate(self.rows):
            if row >= 0:
                order[row] = position
        return Rows(self.key, tuple(order)) if -1 not in order else None

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """Row by row, of a tensor that is there whole, since the rows may lie anywhere in it."""
        whole = cache(values.whole)

        def rows(start: int, stop: int) -> NDArray[Any]:
            import numpy as np

            numbers = np.array(self.rows[start:stop], dtype=np.int64)
            taken = np.empty((len(numbers), *spec.shape[1:]), dtype=spec.dtype.to_numpy())
            kept = numbers >= 0
            taken[kept] = whole()[numbers[kept]]
            for position in np.flatnonzero(~kept):
                # A row of its own for each seed, so that a table does not depend on the parts in which it is made.
                random = np.random.default_rng((self.seed, start + int(position))) if self.stddev else None
                taken[position] = random.normal(self.mean, self.stddev, spec.shape[1:]) if random else self.mean
            return taken

        return Elements(spec, rows)
