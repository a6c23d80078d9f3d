"""Variables of one layer together: what is compared when names say nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Generic, Protocol, TypeVar

from ckptdoctor.libraries.name import Name, read_name
from ckptdoctor.specs.tensor import Shape, TensorSpec


class Named(Protocol):
    """A variable or an entry."""

    @property
    def key(self) -> str:
        """The checkpoint key."""
        ...

    @property
    def spec(self) -> TensorSpec:
        """Type and shape."""
        ...


Item = TypeVar("Item", bound=Named)
Other = TypeVar("Other", bound=Named)

_NUMBER = re.compile(r"(\d+)")

Signature = frozenset[tuple[str, Shape]]


@dataclass(frozen=True)
class Layer(Generic[Item]):
    """The variables under one scope, by role.

    Attributes:
        name: of its first variable.
        roles: each variable by what it is to the layer.
    """

    name: Name
    roles: dict[str, Item]

    @property
    def signature(self) -> Signature:
        """The shapes by role; a bias is left out beside another variable, because its shape adds nothing."""
        kept = {role: item for role, item in self.roles.items() if role != "bias"} or self.roles
        return frozenset((role, flat(item.spec.shape)) for role, item in kept.items())


def flat(shape: Shape) -> Shape:
    """A kernel's shape as a matrix, so that a convolution compares with the dense layer that it may be."""
    return (prod(shape[:-1]), shape[-1]) if len(shape) == 4 else shape


def group_layers(items: Iterable[Item]) -> list[Layer[Item]]:
    """The layers, in the order of their first variables."""
    layers: dict[str, Layer[Item]] = {}
    for item in items:
        name = read_name(item.key)
        layer = layers.setdefault(name.scope, Layer(name, {}))
        role = name.role
        while role in layer.roles:
            role += "'"
        layer.roles[role] = item
    return list(layers.values())


def split_layers(layers: Iterable[Layer[Item]]) -> list[Layer[Item]]:
    """Each variable as a layer of its own: how to compare with names that say no role."""
    return [Layer(read_name(item.key), {"": item}) for layer in layers for item in layer.roles.values()]


def compatible(lhs: Layer[Item], rhs: Layer[Other]) -> bool:
    """Whether two layers can be the same: they share a role, and every shared one has as many numbers in the same order.

    A stored kernel may be a convolution where the graph has a matrix; nothing else may differ.
    """
    shared = lhs.roles.keys() & rhs.roles.keys()
    if not shared or shared == {"bias"} != lhs.roles.keys():
        return False
    return all(same_shape(lhs.roles[role].spec.shape, rhs.roles[role].spec.shape) for role in shared)


def same_shape(lhs: Shape, rhs: Shape) -> bool:
    """Equal shapes, unknown sizes matching any, or a kernel and the matrix of its elements."""
    if len(lhs) == len(rhs):
        return all(a in (-1, b) for a, b in zip(lhs, rhs, strict=True))
    return {len(lhs), len(rhs)} == {2, 4} and flat(lhs) == flat(rhs)


def natural(key: str) -> list[tuple[int, int | str]]:
    """A key for sorting in which conv10 stands behind conv9."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in _NUMBER.split(key)]


def has_kernel(layer: Layer[Item]) -> bool:
    """Whether the shapes say anything: a kernel's do, a vector of 64 numbers does not."""
    return any(len(item.spec.shape) > 1 for item in layer.roles.values())
