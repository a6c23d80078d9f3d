"""Operations that compute with a tensor's elements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ckptdoctor.ops.elements import Elements
from ckptdoctor.ops.op import Changes, require_axis, require_floating, resized
from ckptdoctor.specs.dtype import DType
from ckptdoctor.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class Cast(Changes):
    """Converts the elements to another type."""

    verb: ClassVar[str] = "cast"
    dtype: DType

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with the new type."""
        for dtype in (spec.dtype, self.dtype):
            if not dtype.itemsize:
                raise ValueError(f"{dtype} elements cannot be cast")
        return TensorSpec(self.dtype, spec.shape)

    def inverse(self, spec: TensorSpec) -> None:
        """None: a cast may round."""
        return

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """Row by row."""
        return Elements(spec, lambda start, stop: values.rows(start, stop).astype(self.dtype.to_numpy()))


@dataclass(frozen=True, slots=True)
class Multiply(Changes):
    """Multiplies every element by a number."""

    verb: ClassVar[str] = "multiply"
    factor: float

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        require_floating(spec)
        return spec

    def inverse(self, spec: TensorSpec) -> None:
        """None: a product may round."""
        return

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """Row by row."""
        factor = spec.dtype.to_numpy().type(self.factor)
        return Elements(spec, lambda start, stop: values.rows(start, stop) * factor)


@dataclass(frozen=True, slots=True)
class Sum(Changes):
    """Adds the tensor up along an axis, which has size 1 afterwards."""

    verb: ClassVar[str] = "sum"
    axis: int

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with that size 1."""
        require_axis(spec, self.axis)
        require_floating(spec)
        return TensorSpec(spec.dtype, resized(spec.shape, self.axis, 1))

    def inverse(self, spec: TensorSpec) -> None:
        """None: the summands are gone."""
        return

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """Row by row, unless the rows are what is added up."""
        dtype = spec.dtype.to_numpy()
        if self.axis:
            return Elements(
                spec, lambda start, stop: values.rows(start, stop).sum(axis=self.axis, keepdims=True).astype(dtype)
            )
        return Elements(spec, lambda start, stop: values.whole().sum(axis=0, keepdims=True).astype(dtype)[start:stop])
