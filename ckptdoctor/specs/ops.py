"""The typed operations of a plan: what each does to one tensor's type and shape.

`infer` gives the result's spec or raises ValueError with the reason; the values are the executor's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ckptdoctor.specs.dtype import DType
from ckptdoctor.specs.tensor import Shape, TensorSpec, show_shape


@dataclass(frozen=True, slots=True)
class Rename:
    """Gives the tensor another key."""

    verb: ClassVar[str] = "rename"
    keeps_bytes: ClassVar[bool] = True
    key: str
    to: str

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        if not self.to:
            raise ValueError("the new key is empty")
        return spec


@dataclass(frozen=True, slots=True)
class Reshape:
    """Gives the tensor another shape of as many elements, in the same row-major order."""

    verb: ClassVar[str] = "reshape"
    keeps_bytes: ClassVar[bool] = True
    key: str
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


@dataclass(frozen=True, slots=True)
class Transpose:
    """Permutes the dimensions: dimension i of the result is dimension perm[i] of the tensor."""

    verb: ClassVar[str] = "transpose"
    keeps_bytes: ClassVar[bool] = False
    key: str
    perm: tuple[int, ...]

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with its dimensions permuted."""
        if sorted(self.perm) != list(range(len(spec.shape))):
            raise ValueError(f"{list(self.perm)} is no permutation of the {len(spec.shape)} dimensions")
        return TensorSpec(spec.dtype, tuple(spec.shape[axis] for axis in self.perm))


@dataclass(frozen=True, slots=True)
class Cast:
    """Converts the elements to another type."""

    verb: ClassVar[str] = "cast"
    keeps_bytes: ClassVar[bool] = False
    key: str
    dtype: DType

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with the new type."""
        for dtype in (spec.dtype, self.dtype):
            if not dtype.itemsize:
                raise ValueError(f"{dtype} elements cannot be cast")
        return TensorSpec(self.dtype, spec.shape)


@dataclass(frozen=True, slots=True)
class Drop:
    """Leaves the tensor out."""

    verb: ClassVar[str] = "drop"
    keeps_bytes: ClassVar[bool] = True
    key: str

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec; nothing of it is written."""
        return spec


Op = Rename | Reshape | Transpose | Cast | Drop

OPS: tuple[type[Op], ...] = (Rename, Reshape, Transpose, Cast, Drop)
