"""Operations that only move a tensor's elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ckptdoctor.ops.elements import Elements, viewed
from ckptdoctor.ops.op import Changes, require_axis
from ckptdoctor.specs.tensor import Shape, TensorSpec, show_shape


@dataclass(frozen=True, slots=True)
class Reshape(Changes):
    """Gives the tensor another shape of as many elements, in the same row-major order."""

    verb: ClassVar[str] = "reshape"
    keeps_bytes: ClassVar[bool] = True
    moves_elements: ClassVar[bool] = True
    shape: Shape

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with the new shape."""
        result = TensorSpec(spec.dtype, self.shape)
        if any(size < 0 for size in self.shape) or result.elements != spec.elements:
            raise ValueError(
                f"{show_shape(spec.shape)} has {spec.elements:,} elements, "
                f"{show_shape(self.shape)} has {result.elements:,}"
            )
        return result

    def inverse(self, spec: TensorSpec) -> Reshape:
        """The old shape again."""
        return Reshape(self.key, spec.shape)

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """A view."""
        if values.spec.shape == self.shape:
            return values
        return viewed(spec, lambda: values.whole().reshape(self.shape))


@dataclass(frozen=True, slots=True)
class Transpose(Changes):
    """Permutes the dimensions: dimension i of the result is dimension perm[i] of the tensor."""

    verb: ClassVar[str] = "transpose"
    moves_elements: ClassVar[bool] = True
    perm: tuple[int, ...]

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with its dimensions permuted."""
        if sorted(self.perm) != list(range(len(spec.shape))):
            raise ValueError(f"{list(self.perm)} is no permutation of the {len(spec.shape)} dimensions")
        return TensorSpec(spec.dtype, tuple(spec.shape[axis] for axis in self.perm))

    def inverse(self, spec: TensorSpec) -> Transpose:
        """The inverse permutation."""
        return Transpose(self.key, tuple(self.perm.index(axis) for axis in range(len(self.perm))))

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """A view."""
        return viewed(spec, lambda: values.whole().transpose(self.perm))


@dataclass(frozen=True, slots=True)
class Flip(Changes):
    """Reverses the order along some axes, as a true convolution has its kernel to a correlation."""

    verb: ClassVar[str] = "flip"
    moves_elements: ClassVar[bool] = True
    axes: tuple[int, ...]

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        for axis in self.axes:
            require_axis(spec, axis)
        return spec

    def inverse(self, spec: TensorSpec) -> Flip:
        """The same once more."""
        return self

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """A view."""
        box = tuple(slice(None, None, -1 if axis in self.axes else 1) for axis in range(len(spec.shape)))
        return viewed(spec, lambda: values.whole()[box])
