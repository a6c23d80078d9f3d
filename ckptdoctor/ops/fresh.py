"""Tensors that are made of nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ckptdoctor.ops.elements import Elements, viewed
from ckptdoctor.ops.names import Drop
from ckptdoctor.ops.op import Makes
from ckptdoctor.specs.dtype import DType, dtype_from_name
from ckptdoctor.specs.tensor import Shape, TensorSpec, show_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Initialise(Makes):
    """Makes a new tensor: normally distributed numbers, or one number where `stddev` is 0."""

    verb: ClassVar[str] = "initialise"
    dtype: DType
    shape: Shape
    mean: float = 0.0
    stddev: float = 0.0
    seed: int = 0

    def infer(self) -> TensorSpec:
        """The new tensor's spec."""
        spec = TensorSpec(self.dtype, self.shape)
        if any(size < 0 for size in self.shape) or self.stddev < 0:
            raise ValueError(f"{show_shape(self.shape)} with a deviation of {self.stddev}")
        if not self.dtype.itemsize or (self.stddev and not self.dtype.is_floating):
            raise ValueError(f"{self.dtype} elements cannot be drawn")
        return spec

    def inverse(self) -> Drop:
        """It is dropped."""
        return Drop(self.key)

    def compute(self, spec: TensorSpec) -> Elements:
        """Whole, once."""

        def view() -> NDArray[Any]:
            import numpy as np

            dtype = spec.dtype.to_numpy()
            if not self.stddev:
                return np.full(spec.shape, self.mean, dtype=dtype)
            return np.random.default_rng(self.seed).normal(self.mean, self.stddev, spec.shape).astype(dtype)

        return viewed(spec, view)


@dataclass(frozen=True, slots=True)
class Fill(Makes):
    """Makes a new tensor of these bytes: its elements, little-endian and in row-major order."""

    verb: ClassVar[str] = "fill"
    dtype: DType
    shape: Shape
    data: bytes

    def infer(self) -> TensorSpec:
        """The new tensor's spec."""
        spec = TensorSpec(self.dtype, self.shape)
        if any(size < 0 for size in self.shape) or not self.dtype.itemsize or spec.nbytes != len(self.data):
            raise ValueError(f"{len(self.data):,} bytes for {self.dtype} {show_shape(self.shape)}")
        return spec

    def inverse(self) -> Drop:
        """It is dropped."""
        return Drop(self.key)

    def compute(self, spec: TensorSpec) -> Elements:
        """The bytes as elements."""

        def view() -> NDArray[Any]:
            import numpy as np

            return np.frombuffer(self.data, spec.dtype.to_numpy()).reshape(spec.shape)

        return viewed(spec, view)


@dataclass(frozen=True, slots=True)
class Describe(Makes):
    """Makes a scalar string tensor of these bytes: the object graph of a TensorFlow 2 checkpoint."""

    verb: ClassVar[str] = "describe"
    data: bytes

    def infer(self) -> TensorSpec:
        """A scalar string."""
        return TensorSpec(dtype_from_name("string"), ())

    def inverse(self) -> Drop:
        """It is dropped."""
        return Drop(self.key)

    def compute(self, spec: TensorSpec) -> Elements:
        """The bytes."""

        def view() -> NDArray[Any]:
            import numpy as np

            text = np.empty((), dtype=object)
            text[()] = self.data
            return text

        return viewed(spec, view)
