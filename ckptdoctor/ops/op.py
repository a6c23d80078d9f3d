"""What the operations of a plan have in common.

An operation reads keys, removes keys and writes one key, or none. It is a frozen dataclass whose fields are what a plan
file holds of it, beside its verb.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from ckptdoctor.ops.elements import Elements
from ckptdoctor.specs.tensor import Shape, TensorSlice, TensorSpec, show_shape


class Op(Protocol):
    """An operation. How many specs and elements its functions take is as many as keys it reads, in that order."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    verb: ClassVar[str]
    """Its name in a plan file."""
    keeps_tensor: ClassVar[bool]
    """The result is the tensor itself under another key, in slices if it was."""
    keeps_bytes: ClassVar[bool]
    """The result has the bytes of the one tensor that it reads."""
    moves_elements: ClassVar[bool]
    """Each element of the result is one of the tensor's, and each is there once: a slot of it can go the same way."""

    @property
    def key(self) -> str:
        """The key by which a message names it."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """The keys it takes."""
        ...

    @property
    def removes(self) -> tuple[str, ...]:
        """The keys that are not there afterwards, unless it writes them."""
        ...

    @property
    def writes(self) -> str:
        """The key it makes; empty for none."""
        ...

    def slices(self, shape: Shape) -> tuple[TensorSlice, ...]:
        """The slices in which a tensor bundle saves a result of this shape; empty to save it whole."""
        ...

    @property
    def infer(self) -> Callable[..., TensorSpec]:
        """Gives the result's spec from the specs of what it reads.

        Raises:
            ValueError: they do not fit; the text is the reason.
        """
        ...

    @property
    def inverse(self) -> Callable[..., Op | None]:
        """Gives the operation that undoes it on tensors of these specs, None where there is none."""
        ...

    @property
    def compute(self) -> Callable[..., Elements]:
        """Gives the result's elements, from its spec and the elements of what it reads; nothing is computed yet.

        Raises:
            UsageError: when they are computed, the values do not allow it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of an operation that computes, and saves its result whole."""

    keeps_tensor: ClassVar[bool] = False
    keeps_bytes: ClassVar[bool] = False
    moves_elements: ClassVar[bool] = False

    def slices(self, shape: Shape) -> tuple[TensorSlice, ...]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class Changes(Flags):
    """An operation on one tensor, which keeps its key."""

    key: str

    @property
    def reads(self) -> tuple[str, ...]:
        """The tensor."""
        return (self.key,)

    @property
    def removes(self) -> tuple[str, ...]:
        """The tensor, which is written anew."""
        return (self.key,)

    @property
    def writes(self) -> str:
        """The tensor."""
        return self.key


@dataclass(frozen=True, slots=True)
class Makes(Flags):
    """An operation that makes a tensor of nothing."""

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


def require_axis(spec: TensorSpec, axis: int) -> None:
    """Checks that a tensor has an axis.

    Raises:
        ValueError: it has not.
    """
    if not 0 <= axis < len(spec.shape):
        raise ValueError(f"axis {axis} of {show_shape(spec.shape)}")


def require_floating(spec: TensorSpec) -> None:
    """Checks that a tensor's elements are floating-point numbers.

    Raises:
        ValueError: they are not.
    """
    if not spec.dtype.is_floating:
        raise ValueError(f"{spec.dtype} elements are not computed with")


def resized(shape: Shape, axis: int, size: int) -> Shape:
    """The shape with another size of one dimension."""
    return (*shape[:axis], size, *shape[axis + 1 :])
