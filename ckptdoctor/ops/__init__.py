"""The typed operations of a plan: which tensors each takes, which one it makes, and of what type and shape.

An operation `reads` keys, `removes` keys and `writes` one key, or none. `infer` gives the result's spec from the specs of
what it reads, or raises ValueError with the reason. `inverse` gives the operation that undoes it on a tensor of that
spec, or None where there is none. The values are the executor's business.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ckptdoctor.specs.dtype import DType, dtype_from_name
from ckptdoctor.specs.tensor import Shape, TensorSlice, TensorSpec, show_shape


@dataclass(frozen=True, slots=True)
class _Changes:
    """What operations on one tensor share: it keeps its key."""

    keeps_bytes: ClassVar[bool] = False
    key: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The keys it takes."""
        return (self.key,)

    @property
    def removes(self) -> tuple[str, ...]:
        """The keys that are not there afterwards, unless it writes them."""
        return (self.key,)

    @property
    def writes(self) -> str:
        """The key it makes; empty for none."""
        return self.key


@dataclass(frozen=True, slots=True)
class Rename(_Changes):
    """Gives the tensor another key."""

    verb: ClassVar[str] = "rename"
    keeps_bytes: ClassVar[bool] = True
    to: str

    @property
    def writes(self) -> str:
        """The new key."""
        return self.to

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        if not self.to:
            raise ValueError("the new key is empty")
        return spec

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The old key again."""
        return Rename(self.to, self.key)


@dataclass(frozen=True, slots=True)
class Reshape(_Changes):
    """Gives the tensor another shape of as many elements, in the same row-major order."""

    verb: ClassVar[str] = "reshape"
    keeps_bytes: ClassVar[bool] = True
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

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The old shape again."""
        return Reshape(self.key, spec.shape)


@dataclass(frozen=True, slots=True)
class Transpose(_Changes):
    """Permutes the dimensions: dimension i of the result is dimension perm[i] of the tensor."""

    verb: ClassVar[str] = "transpose"
    perm: tuple[int, ...]

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with its dimensions permuted."""
        if sorted(self.perm) != list(range(len(spec.shape))):
            raise ValueError(f"{list(self.perm)} is no permutation of the {len(spec.shape)} dimensions")
        return TensorSpec(spec.dtype, tuple(spec.shape[axis] for axis in self.perm))

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The inverse permutation."""
        return Transpose(self.key, tuple(self.perm.index(axis) for axis in range(len(self.perm))))


@dataclass(frozen=True, slots=True)
class Flip(_Changes):
    """Reverses the order along some axes, as a true convolution has its kernel to a correlation."""

    verb: ClassVar[str] = "flip"
    axes: tuple[int, ...]

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        for axis in self.axes:
            _require_axis(spec, axis)
        return spec

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The same once more."""
        return self


@dataclass(frozen=True, slots=True)
class Cast(_Changes):
    """Converts the elements to another type."""

    verb: ClassVar[str] = "cast"
    dtype: DType

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with the new type."""
        for dtype in (spec.dtype, self.dtype):
            if not dtype.itemsize:
                raise ValueError(f"{dtype} elements cannot be cast")
        return TensorSpec(self.dtype, spec.shape)

    def inverse(self, spec: TensorSpec) -> Op | None:
        """None: a cast may round."""
        return None


@dataclass(frozen=True, slots=True)
class Multiply(_Changes):
    """Multiplies every element by a number."""

    verb: ClassVar[str] = "multiply"
    factor: float

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        _require_floating(spec)
        return spec

    def inverse(self, spec: TensorSpec) -> Op | None:
        """None: a product may round."""
        return None


@dataclass(frozen=True, slots=True)
class Sum(_Changes):
    """Adds the tensor up along an axis, which has size 1 afterwards."""

    verb: ClassVar[str] = "sum"
    axis: int

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The spec with that size 1."""
        _require_axis(spec, self.axis)
        _require_floating(spec)
        return TensorSpec(spec.dtype, _resized(spec.shape, self.axis, 1))

    def inverse(self, spec: TensorSpec) -> Op | None:
        """None: the summands are gone."""
        return None


@dataclass(frozen=True, slots=True)
class Rows(_Changes):
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
        _require_axis(spec, 0)
        if self.rows and not -1 <= min(self.rows) <= max(self.rows) < spec.shape[0]:
            raise ValueError(f"rows {min(self.rows)} to {max(self.rows)} of {spec.shape[0]}")
        if -1 in self.rows:
            _require_floating(spec)
        if self.stddev < 0:
            raise ValueError(f"a deviation of {self.stddev}")
        return TensorSpec(spec.dtype, (len(self.rows), *spec.shape[1:]))

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The rows in their old order, if each was taken."""
        order = [-1] * spec.shape[0]
        for position, row in enumerate(self.rows):
            if row >= 0:
                order[row] = position
        return Rows(self.key, tuple(order)) if -1 not in order else None


@dataclass(frozen=True, slots=True)
class Spread(_Changes):
    """A depthwise kernel `[kh,kw,in,m]` as a convolution `[kh,kw,in,in·m]` that is zero between different channels."""

    verb: ClassVar[str] = "spread"

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The convolution's spec."""
        if len(spec.shape) != 4:
            raise ValueError(f"{show_shape(spec.shape)} is no kernel [kh,kw,in,multiplier]")
        kh, kw, channels, multiplier = spec.shape
        return TensorSpec(spec.dtype, (kh, kw, channels, channels * multiplier))

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The depthwise kernel again."""
        return Gather(self.key)


@dataclass(frozen=True, slots=True)
class Gather(_Changes):
    """The depthwise kernel `[kh,kw,in,m]` of a convolution `[kh,kw,in,in·m]`, which must be zero between channels."""

    verb: ClassVar[str] = "gather"

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The depthwise kernel's spec."""
        if len(spec.shape) != 4 or not spec.shape[2] or spec.shape[3] % spec.shape[2]:
            raise ValueError(f"{show_shape(spec.shape)} is no kernel [kh,kw,in,in·multiplier]")
        kh, kw, channels, outputs = spec.shape
        return TensorSpec(spec.dtype, (kh, kw, channels, outputs // channels))

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The convolution again."""
        return Spread(self.key)


@dataclass(frozen=True, slots=True)
class Join(_Changes):
    """Makes one tensor of the slices that a partitioned variable was saved in."""

    verb: ClassVar[str] = "join"

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        return spec

    def inverse(self, spec: TensorSpec) -> Op | None:
        """None: where it was cut is not in its spec."""
        return None


@dataclass(frozen=True, slots=True)
class Partition(_Changes):
    """Saves the tensor in slices along an axis, as a partitioned variable; only a tensor bundle has slices.

    The sizes are those of TensorFlow's `fixed_size_partitioner`: the first ones are larger by one where they differ.
    """

    verb: ClassVar[str] = "partition"
    axis: int
    parts: int

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec."""
        _require_axis(spec, self.axis)
        if not 1 <= self.parts <= max(1, spec.shape[self.axis]):
            raise ValueError(f"{self.parts} parts of {spec.shape[self.axis]} along axis {self.axis}")
        return spec

    def slices(self, shape: Shape) -> tuple[TensorSlice, ...]:
        """The slices of a tensor of this shape."""
        size, larger = divmod(shape[self.axis], self.parts)
        slices, start = [], 0
        for number in range(self.parts):
            length = size + (number < larger)
            starts = tuple(start if axis == self.axis else 0 for axis in range(len(shape)))
            slices.append(TensorSlice(starts, _resized(shape, self.axis, length)))
            start += length
        return tuple(slices)

    def inverse(self, spec: TensorSpec) -> Op | None:
        """One tensor again."""
        return Join(self.key)


@dataclass(frozen=True, slots=True)
class Drop(_Changes):
    """Leaves the tensor out."""

    verb: ClassVar[str] = "drop"
    keeps_bytes: ClassVar[bool] = True

    @property
    def writes(self) -> str:
        """Nothing."""
        return ""

    def infer(self, spec: TensorSpec) -> TensorSpec:
        """The same spec; nothing of it is written."""
        return spec

    def inverse(self, spec: TensorSpec) -> Op | None:
        """None: it is gone."""
        return None


@dataclass(frozen=True, slots=True)
class Slice(_Changes):
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
        _require_axis(spec, self.axis)
        if not 0 <= self.start <= self.stop <= spec.shape[self.axis]:
            raise ValueError(f"positions {self.start} to {self.stop} of {spec.shape[self.axis]}")
        return TensorSpec(spec.dtype, _resized(spec.shape, self.axis, self.stop - self.start))

    def inverse(self, spec: TensorSpec) -> Op | None:
        """The part is dropped: what it is of is still there."""
        return Drop(self.to)


@dataclass(frozen=True, slots=True)
class Concat:
    """Makes one tensor of several, one after another along an axis; they are gone afterwards."""

    verb: ClassVar[str] = "concat"
    keeps_bytes: ClassVar[bool] = False
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
        _require_axis(first, self.axis)
        for spec in specs:
            if spec.dtype != first.dtype or len(spec.shape) != len(first.shape):
                raise ValueError(f"{spec} beside {first}")
            if _resized(spec.shape, self.axis, 0) != _resized(first.shape, self.axis, 0):
                raise ValueError(f"{show_shape(spec.shape)} beside {show_shape(first.shape)} along axis {self.axis}")
        return TensorSpec(first.dtype, _resized(first.shape, self.axis, sum(spec.shape[self.axis] for spec in specs)))

    def inverse(self, *specs: TensorSpec) -> Op | None:
        """None: it takes several operations."""
        return None


@dataclass(frozen=True, slots=True)
class _Makes:
    """What operations that make a tensor of nothing share."""

    keeps_bytes: ClassVar[bool] = False
    key: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def removes(self) -> tuple[str, ...]:
        """Nothing."""
        return ()

    @property
    def writes(self) -> str:
        """The new tensor."""
        return self.key

    def inverse(self) -> Op | None:
        """It is dropped."""
        return Drop(self.key)


@dataclass(frozen=True, slots=True)
class Initialise(_Makes):
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


@dataclass(frozen=True, slots=True)
class Describe(_Makes):
    """Makes a scalar string tensor of these bytes: the object graph of a TensorFlow 2 checkpoint."""

    verb: ClassVar[str] = "describe"
    data: bytes

    def infer(self) -> TensorSpec:
        """A scalar string."""
        return TensorSpec(dtype_from_name("string"), ())


@dataclass(frozen=True, slots=True)
class FoldScale:
    """Multiplies a kernel's outputs by gamma / sqrt(variance + epsilon): what batch normalisation does to its scale.

    Attributes:
        key: the kernel, `[…,out]`, or `[kh,kw,in,m]` of a depthwise convolution.
        variance: the moving variance, `[out]`.
        gamma: `[out]`; empty if the layer has none.
        epsilon: what the layer adds to the variance.
    """

    verb: ClassVar[str] = "fold-scale"
    keeps_bytes: ClassVar[bool] = False
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
        _require_floating(spec)
        for vector in vectors:
            if len(vector.shape) != 1 or vector.shape[0] not in (
                spec.shape[-1:] and spec.shape[-1],
                len(spec.shape) == 4 and spec.shape[2] * spec.shape[3],
            ):
                raise ValueError(f"{show_shape(vector.shape)} for the outputs of {show_shape(spec.shape)}")
        return spec

    def inverse(self, *specs: TensorSpec) -> Op | None:
        """None: the product is rounded."""
        return None


@dataclass(frozen=True, slots=True)
class FoldShift:
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
    keeps_bytes: ClassVar[bool] = False
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
            _require_floating(vector)
            if len(vector.shape) != 1 or vector.shape != vectors[0].shape:
                raise ValueError(f"{show_shape(vector.shape)} beside {show_shape(vectors[0].shape)}")
        return vectors[0]

    def inverse(self, *specs: TensorSpec) -> Op | None:
        """None: the statistics are not to be told from the bias."""
        return None


def _require_axis(spec: TensorSpec, axis: int) -> None:
    if not 0 <= axis < len(spec.shape):
        raise ValueError(f"axis {axis} of {show_shape(spec.shape)}")


def _require_floating(spec: TensorSpec) -> None:
    if not spec.dtype.is_floating:
        raise ValueError(f"{spec.dtype} elements are not computed with")


def _resized(shape: Shape, axis: int, size: int) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])


Op = (
    Rename | Reshape | Transpose | Flip | Cast | Multiply | Sum | Rows | Spread | Gather | Join | Partition | Drop | Slice
    | Concat | Initialise | Describe | FoldScale | FoldShift
)  # fmt: skip

OPS: tuple[type[Op], ...] = (
    Rename, Reshape, Transpose, Flip, Cast, Multiply, Sum, Rows, Spread, Gather, Join, Partition, Drop, Slice, Concat,
    Initialise, Describe, FoldScale, FoldShift,
)  # fmt: skip
