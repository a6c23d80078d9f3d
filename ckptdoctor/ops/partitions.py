"""The slices that a tensor bundle saves a partitioned variable in; no value changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ckptdoctor.ops.elements import Elements
from ckptdoctor.ops.op import Changes, require_axis, resized
from ckptdoctor.specs.tensor import Shape, TensorSlice, TensorSpec


@dataclass(frozen=True, slots=True)
class Join(Changes):
    """Makes one tensor of the slices that a partitioned variable was saved in."""

    verb: ClassVar[str] = "join"
    moves_elements: ClassVar[bool] = True

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        return spec

    def inverse(self, spec: TensorSpec) -> None:
        """None: where it was cut is not in its spec."""
        return

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """The same elements."""
        return values


@dataclass(frozen=True, slots=True)
class Partition(Changes):
    """Saves the tensor in slices along an axis, as a partitioned variable; only a tensor bundle has slices.

    The sizes are those of TensorFlow's `fixed_size_partitioner`: the first ones are larger by one where they differ.
    """

    verb: ClassVar[str] = "partition"
    moves_elements: ClassVar[bool] = True
    axis: int
    parts: int

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        require_axis(spec, self.axis)
        if not 1 <= self.parts <= max(1, spec.shape[self.axis]):
            raise ValueError(f"{self.parts} parts of {spec.shape[self.axis]} along axis {self.axis}")
        return spec

    def slices(self, shape: Shape) -> tuple[TensorSlice, ...]:
        """As many as there are parts."""
        size, larger = divmod(shape[self.axis], self.parts)
        slices, start = [], 0
        for number in range(self.parts):
            length = size + (number < larger)
            starts = tuple(start if axis == self.axis else 0 for axis in range(len(shape)))
            slices.append(TensorSlice(starts, resized(shape, self.axis, length)))
            start += length
        return tuple(slices)

    def inverse(self, spec: TensorSpec) -> Join:
        """One tensor again."""
        return Join(self.key)

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """The same elements."""
        return values
