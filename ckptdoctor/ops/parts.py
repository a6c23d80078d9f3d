"""One tensor as a part of another, and one of several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ckptdoctor.ops.elements import Elements, viewed
from ckptdoctor.ops.names import Drop
from ckptdoctor.ops.op import Changes, Flags, require_axis, resized
from ckptdoctor.specs.tensor import TensorSpec, show_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Slice(Changes):
    """Makes a new tensor of the positions `start` to `stop` along an axis; the old one stays."""

    verb: ClassVar[str] = "slice"
    axis: int
    start: int
    stop: int
    to: str

    @property
    def removes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def writes(self) -> str:
        """The new tensor."""
        return self.to

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec of that part."""
        require_axis(spec, self.axis)
        if not 0 <= self.start <= self.stop <= spec.shape[self.axis]:
            raise ValueError(f"positions {self.start} to {self.stop} of {spec.shape[self.axis]}")
        return TensorSpec(spec.dtype, resized(spec.shape, self.axis, self.stop - self.start))

    def inverse(self, spec: TensorSpec) -> Drop:
        """The part is dropped: what it is of is still there."""
        return Drop(self.to)

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """A view."""
        box = tuple(
            slice(self.start, self.stop) if axis == self.axis else slice(None) for axis in range(len(spec.shape))
        )
        return viewed(spec, lambda: values.whole()[box])


@dataclass(frozen=True, slots=True)
class Concat(Flags):
    """Makes one tensor of several, one after another along an axis; they are gone afterwards."""

    verb: ClassVar[str] = "concat"
    keys: tuple[str, ...]
    axis: int
    to: str

    @property
    def key(self) -> str:
        """The key it makes."""
        return self.to

    @property
    def reads(self) -> tuple[str, ...]:
        """The parts."""
        return self.keys

    @property
    def removes(self) -> tuple[str, ...]:
        """The parts."""
        return tuple(dict.fromkeys(self.keys))

    @property
    def writes(self) -> str:
        """The whole."""
        return self.to

    def infer(self, *specs: TensorSpec) -> TensorSpec:
        """The whole's spec."""
        if not specs:
            raise ValueError("there are no parts")
        first = specs[0]
        require_axis(first, self.axis)
        for spec in specs:
            if spec.dtype != first.dtype or len(spec.shape) != len(first.shape):
                raise ValueError(f"{spec} beside {first}")
            if resized(spec.shape, self.axis, 0) != resized(first.shape, self.axis, 0):
                raise ValueError(f"{show_shape(spec.shape)} beside {show_shape(first.shape)} along axis {self.axis}")
        return TensorSpec(first.dtype, resized(first.shape, self.axis, sum(spec.shape[self.axis] for spec in specs)))

    def inverse(self, *specs: TensorSpec) -> None:
        """None: it takes several operations."""
        return

    def compute(self, spec: TensorSpec, *parts: Elements) -> Elements:
        """Row by row, of the parts that have them."""

        def rows(start: int, stop: int) -> NDArray[Any]:
            import numpy as np

            if self.axis:
                return np.concatenate([part.rows(start, stop) for part in parts], axis=self.axis)
            taken, offset = [], 0
            for part in parts:
                size = part.spec.shape[0]
                low, high = max(start - offset, 0), min(stop - offset, size)
                if low < high:
                    taken.append(part.rows(low, high))
                offset += size
            return np.concatenate(taken) if taken else parts[0].rows(0, 0)

        return Elements(spec, rows)
