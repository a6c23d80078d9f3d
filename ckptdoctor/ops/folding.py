"""A batch normalisation folded into the layer in front of it.

Its output is gamma · (x - mean) / sqrt(variance + epsilon) + beta.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ckptdoctor.ops.elements import Elements, viewed
from ckptdoctor.ops.op import Flags, require_floating
from ckptdoctor.specs.tensor import TensorSpec, show_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FoldScale(Flags):
    """Multiplies a kernel's outputs by gamma / sqrt(variance + epsilon): what batch normalisation does to its scale.

    Attributes:
        key: the kernel, `[…,out]`, or `[kh,kw,in,m]` of a depthwise convolution.
        variance: the moving variance, `[out]`.
        gamma: `[out]`; empty if the layer has none.
        epsilon: what the layer adds to the variance.
    """

    verb: ClassVar[str] = "fold-scale"
    key: str
    variance: str
    gamma: str
    epsilon: float

    @property
    def reads(self) -> tuple[str, ...]:
        """The kernel, the variance, and gamma if there is one."""
        return (self.key, self.variance, *filter(None, (self.gamma,)))

    @property
    def removes(self) -> tuple[str, ...]:
        """The kernel, which is written anew."""
        return (self.key,)

    @property
    def writes(self) -> str:
        """The kernel."""
        return self.key

    def infer(self, spec: TensorSpec, *vectors: TensorSpec) -> TensorSpec:
        """The same spec."""
        require_floating(spec)
        for vector in vectors:
            if len(vector.shape) != 1 or vector.shape[0] not in (
                spec.shape[-1:] and spec.shape[-1],
                len(spec.shape) == 4 and spec.shape[2] * spec.shape[3],
            ):
                raise ValueError(f"{show_shape(vector.shape)} for the outputs of {show_shape(spec.shape)}")
        return spec

    def inverse(self, *specs: TensorSpec) -> None:
        """None: the product is rounded."""
        return

    def compute(self, spec: TensorSpec, kernel: Elements, variance: Elements, *gamma: Elements) -> Elements:
        """Row by row, in double precision."""

        def rows(start: int, stop: int) -> NDArray[Any]:
            values = kernel.rows(start, stop)
            factor = _scale(self.epsilon, variance, gamma[0] if gamma else None)
            if factor.size != spec.shape[-1]:
                factor = factor.reshape(spec.shape[2:])  # a depthwise kernel [kh,kw,in,m] has in·m outputs
            return cast("NDArray[Any]", (values.astype(factor.dtype) * factor).astype(values.dtype))

        return Elements(spec, rows)


@dataclass(frozen=True, slots=True)
class FoldShift(Flags):
    """Makes a bias: beta + (bias - mean) · gamma / sqrt(variance + epsilon).

    Attributes:
        key: the bias to make, `[out]`.
        bias: the convolution's own bias; empty if it has none.
        mean: the moving mean.
        variance: the moving variance.
        beta: empty if the layer has none.
        gamma: empty if the layer has none.
        epsilon: what the layer adds to the variance.
    """

    verb: ClassVar[str] = "fold-shift"
    key: str
    mean: str
    variance: str
    bias: str
    beta: str
    gamma: str
    epsilon: float

    @property
    def reads(self) -> tuple[str, ...]:
        """The vectors that are there, in this order: mean, variance, bias, beta, gamma."""
        return (self.mean, self.variance, *filter(None, (self.bias, self.beta, self.gamma)))

    @property
    def removes(self) -> tuple[str, ...]:
        """The old bias."""
        return tuple(filter(None, (self.bias,)))

    @property
    def writes(self) -> str:
        """The bias."""
        return self.key

    def infer(self, *vectors: TensorSpec) -> TensorSpec:
        """The spec of the bias."""
        for vector in vectors:
            require_floating(vector)
            if len(vector.shape) != 1 or vector.shape != vectors[0].shape:
                raise ValueError(f"{show_shape(vector.shape)} beside {show_shape(vectors[0].shape)}")
        return vectors[0]

    def inverse(self, *specs: TensorSpec) -> None:
        """None: the statistics are not to be told from the bias."""
        return

    def compute(self, spec: TensorSpec, mean: Elements, variance: Elements, *others: Elements) -> Elements:
        """Whole, once, in double precision."""

        def view() -> NDArray[Any]:
            rest = iter(others)
            bias = next(rest).whole() if self.bias else 0.0
            beta = next(rest).whole() if self.beta else 0.0
            gamma = next(rest) if self.gamma else None
            factor = _scale(self.epsilon, variance, gamma)
            shift = beta + (bias - mean.whole().astype(factor.dtype)) * factor
            return cast("NDArray[Any]", shift.astype(spec.dtype.to_numpy()))

        return viewed(spec, view)


def _scale(epsilon: float, variance: Elements, gamma: Elements | None) -> NDArray[Any]:
    """gamma / sqrt(variance + epsilon), in double precision."""
    import numpy as np

    factor = 1.0 / np.sqrt(variance.whole().astype(np.float64) + epsilon)
    return factor if gamma is None else gamma.whole().astype(np.float64) * factor
