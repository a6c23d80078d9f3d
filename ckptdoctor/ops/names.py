"""Operations on a tensor's key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ckptdoctor.ops.elements import Elements
from ckptdoctor.ops.op import Changes
from ckptdoctor.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class Rename(Changes):
    """Gives the tensor another key."""

    verb: ClassVar[str] = "rename"
    keeps_tensor: ClassVar[bool] = True
    keeps_bytes: ClassVar[bool] = True
    moves_elements: ClassVar[bool] = True
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

    def inverse(self, spec: TensorSpec) -> Rename:
        """The old key again."""
        return Rename(self.to, self.key)

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """The same elements."""
        return values


@dataclass(frozen=True, slots=True)
class Drop(Changes):
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

    def inverse(self, spec: TensorSpec) -> None:
        """None: it is gone."""
        return

    def compute(self, spec: TensorSpec, values: Elements) -> Elements:
        """The same elements; nothing of them is written."""
        return values
