"""What a tensor is and where its bytes lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

from ckptdoctor.specs.dtype import DType

Shape = tuple[int, ...]
"""Sizes of the dimensions, outermost first; -1 is an unknown size (in a graph only)."""


def show_shape(shape: Shape | None) -> str:
    """A shape as TensorFlow's messages print it, `[7,7,512,4096]`; `?` is an unknown size."""
    if shape is None:
        return "[unknown]"
    return "[" + ",".join("?" if size < 0 else str(size) for size in shape) + "]"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor's element type and shape."""

    dtype: DType
    shape: Shape

    @property
    def elements(self) -> int:
        """The number of elements; 1 for a scalar."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of the elements; 0 where they have no fixed size."""
        return self.elements * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} {show_shape(self.shape)}"


@dataclass(frozen=True, slots=True)
class TensorSlice:
    """A box within a tensor: for each dimension a start and a length, in elements; length -1 is the whole of it.

    Source: TensorFlow, tensorflow/core/framework/tensor_slice.h, `TensorSlice::kFullExtent`.
    """

    starts: tuple[int, ...]
    lengths: tuple[int, ...]

    @classmethod
    def whole(cls, rank: int) -> TensorSlice:
        """The slice that is a whole tensor of this rank."""
        return cls((0,) * rank, (-1,) * rank)

    def resolve(self, shape: Shape) -> tuple[slice, ...]:
        """Python slices into a tensor of this shape.

        Raises:
            ValueError: the slice has another rank or reaches outside the tensor.
        """
        if len(self.starts) != len(shape) or len(self.lengths) != len(shape):
            raise ValueError(f"a slice of rank {len(self.starts)} in a tensor of rank {len(shape)}")
        box = []
        for start, length, size in zip(self.starts, self.lengths, shape, strict=True):
            stop = size if length < 0 else start + length
            if not 0 <= start <= stop <= size:
                raise ValueError(f"elements {start} to {stop} of a dimension of {size}")
            box.append(slice(start, stop))
        return tuple(box)


@dataclass(frozen=True, slots=True)
class Extent:
    """A run of bytes in a file: offset and size in bytes."""

    file: Path
    offset: int
    size: int
