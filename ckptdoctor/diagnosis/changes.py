"""The sizes in which a pair differs."""

from __future__ import annotations

from dataclasses import dataclass

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.specs.tensor import Shape


@dataclass(frozen=True, slots=True)
class Change:
    """One size of one pair: the axis, and what it is in the graph and in the checkpoint."""

    pair: Pair
    axis: int
    lhs: int
    rhs: int

    @property
    def last(self) -> bool:
        """Whether it is the last axis: a layer's outputs."""
        return self.axis == len(self.pair.variable.spec.shape) - 1


def changes(pair: Pair) -> tuple[Change, ...]:
    """Every size that differs; empty if the ranks do. A 1×1 kernel compares with a matrix."""
    lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
    if not pair.variable.shape_known:
        return ()
    if len(lhs) != len(rhs):
        lhs_inner, rhs_inner = matrix(lhs), matrix(rhs)
        if len(lhs_inner) != len(rhs_inner):
            return ()
        offset = len(lhs) - len(lhs_inner)
        lhs, rhs = lhs_inner, rhs_inner
    else:
        offset = 0
    return tuple(
        Change(pair, axis + offset, a, b) for axis, (a, b) in enumerate(zip(lhs, rhs, strict=True)) if a not in (b, -1)
    )


def only_change(pair: Pair) -> Change | None:
    """The one size that differs, if it is one."""
    differing = changes(pair)
    return differing[0] if len(differing) == 1 else None


def matrix(shape: Shape) -> Shape:
    """The shape without the two leading ones of a 1×1 kernel."""
    return shape[2:] if len(shape) == 4 and shape[:2] == (1, 1) else shape


def listed(names: list[str], shown: int = 4) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
