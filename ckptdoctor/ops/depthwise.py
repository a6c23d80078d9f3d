"""A depthwise kernel as a convolution's, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ckptdoctor.errors import UsageError
from ckptdoctor.ops.elements import Elements
from ckptdoctor.ops.op import Changes
from ckptdoctor.specs.tensor import TensorSpec, show_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Spread(Changes):
    """A depthwise kernel `[kh,kw,in,m]` as a convolution `[kh,kw,in,in·m]` that is zero between different channels."""

    verb: ClassVar[str] = "spread"

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The convolution's spec."""
        if len(spec.shape) != 4:
            raise ValueError(f"{show_shape(spec.shape)} is no kernel [kh,kw,in,multiplier]")
        kh, kw, channels, multiplier = spec.shape
        return TensorSpec(spec.dtype, (kh, kw, channels, channels * multiplier))

    def inverse(self, spec: TensorSpec) -> Gather:
        """The depthwise kernel again."""
        return Gather(self.key)

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """Row by row."""

        def rows(start: int, stop: int) -> NDArray[Any]:
            import numpy as np

            kernel = values.rows(start, stop)
            kh, kw, channels, multiplier = kernel.shape
            spread = np.zeros((kh, kw, channels, channels, multiplier), dtype=kernel.dtype)
            every = np.arange(channels)
            spread[:, :, every, every] = kernel
            return spread.reshape(kh, kw, channels, channels * multiplier)

        return Elements(spec, rows)


@dataclass(frozen=True, slots=True)
class Gather(Changes):
    """The depthwise kernel `[kh,kw,in,m]` of a convolution `[kh,kw,in,in·m]`, which must be zero between channels."""

    verb: ClassVar[str] = "gather"

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The depthwise kernel's spec."""
        if len(spec.shape) != 4 or not spec.shape[2] or spec.shape[3] % spec.shape[2]:
            raise ValueError(f"{show_shape(spec.shape)} is no kernel [kh,kw,in,in·multiplier]")
        kh, kw, channels, outputs = spec.shape
        return TensorSpec(spec.dtype, (kh, kw, channels, outputs // channels))

    def inverse(self, spec: TensorSpec) -> Spread:
        """The convolution again."""
        return Spread(self.key)

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """Row by row; raises UsageError where the convolution mixes channels."""

        def rows(start: int, stop: int) -> NDArray[Any]:
            import numpy as np

            kernel = values.rows(start, stop)
            kh, kw, channels, outputs = kernel.shape
            apart = kernel.reshape(kh, kw, channels, channels, outputs // channels)
            every = np.arange(channels)
            gathered = apart[:, :, every, every]
            if np.count_nonzero(apart) != np.count_nonzero(gathered):
                raise UsageError(
                    f"{self.key} mixes channels: it is no depthwise convolution", hint="Leave this key out of the plan."
                )
            return gathered

        return Elements(spec, rows)
