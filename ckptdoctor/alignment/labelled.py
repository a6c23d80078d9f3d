"""A variable or an entry under the name that matchers read it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from ckptdoctor.alignment.layers import Layer, Named
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.tensor import TensorSpec

Value = TypeVar("Value", bound=Named)


@dataclass(frozen=True)
class Labelled(Generic[Value]):
    """What is to be matched, and the name that says most about it.

    Attributes:
        key: that name: a variable's key; an entry's key, or the name that the checkpoint records beside it; a translation.
        value: the variable or the entry itself.
    """

    key: str
    value: Value

    @property
    def spec(self) -> TensorSpec:
        """Type and shape."""
        return self.value.spec


GraphLayer = Layer[Labelled[Variable]]
StoredLayer = Layer[Labelled[Entry]]
LayerPair = tuple[GraphLayer, StoredLayer]
