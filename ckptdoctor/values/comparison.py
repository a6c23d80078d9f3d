"""The values of two checkpoints side by side, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ckptdoctor.formats.checkpoint import Advance, Checkpoint
from ckptdoctor.io.mapped_file import let_go
from ckptdoctor.limits import COPY_CHUNK
from ckptdoctor.values.statistics import RunningSummary, to_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = Literal["equal", "close", "changed", "incomparable"]
"""`equal` bit for bit · `close` within the tolerance · `changed` · `incomparable` in shape or type."""

CLOSE = 1e-6
"""The relative difference, as a part of the largest absolute value, up to which values are close."""

_COUNTED = 1e-3

_LET_GO = 8 * (COPY_CHUNK // 8)
"""Elements after which mapped memory is given back."""


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """How one tensor differs between two checkpoints.

    Attributes:
        lhs, rhs: its keys.
        state: in a word.
        absolute: the largest absolute difference of finite values.
        relative: `absolute` as a part of the largest absolute value on the right.
        ulps: the largest difference in units of the last place, of floating-point values of one type that are near
            each other (within a thousandth of the largest); else 0.
        changed: how many elements differ.
        elements: how many there are.
        remarks: what is odd about one side: NaN, Inf, all zero, constant; a phrase each.
    """

    lhs: str
    rhs: str
    state: State
    absolute: float = 0.0
    relative: float = 0.0
    changed: int = 0
    elements: int = 0
    remarks: tuple[str, ...] = ()
    ulps: int = 0


def compare_values(
    lhs: Checkpoint, rhs: Checkpoint, pairs: Sequence[tuple[str, str]], advance: Advance = lambda size: None
) -> Iterator[ValueDifference]:
    """How each pair of keys differs; `advance` hears the bytes read on one side.

    Raises:
        FormatError: a value cannot be read.
    """
    for mine, theirs in pairs:
        yield _compare(lhs, rhs, mine, theirs)
        advance(lhs.inventory.entries[mine].spec.nbytes)


def _compare(lhs: Checkpoint, rhs: Checkpoint, mine: str, theirs: str) -> ValueDifference:
    import numpy as np

    specs = lhs.inventory.entries[mine].spec, rhs.inventory.entries[theirs].spec
    if specs[0].elements != specs[1].elements or (specs[0].dtype.itemsize == 0) != (specs[1].dtype.itemsize == 0):
        return ValueDifference(mine, theirs, "incomparable", elements=specs[0].elements)
    one, other = lhs.read(mine).reshape(-1), rhs.read(theirs).reshape(-1)
    if not specs[0].dtype.itemsize:
        changed = sum(a != b for a, b in zip(one.tolist(), other.tolist(), strict=True))
        return ValueDifference(mine, theirs, "changed" if changed else "equal", 0.0, 0.0, changed, one.size)
    step = max(1, COPY_CHUNK // 8)
    changed, absolute, ulps, near = 0, 0.0, 0, True
    odd = RunningSummary(), RunningSummary()
    equal = specs[0].dtype == specs[1].dtype
    for start in range(0, one.size, step):
        a, b = one[start : start + step], other[start : start + step]
        if start % _LET_GO == 0:
            let_go(one)
            let_go(other)
        x = to_numbers(a)
        if specs[0].dtype == specs[1].dtype and np.array_equal(a.view(np.uint8), b.view(np.uint8)):
            seen = RunningSummary()
            seen.see(x)
            for side in odd:
                side.add(seen)
            continue
        equal = False
        y = to_numbers(b)
        odd[0].see(x)
        odd[1].see(y)
        both = np.isfinite(x) & np.isfinite(y)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(x - y)
        changed += int(np.count_nonzero(~((x == y) | (np.isnan(x) & np.isnan(y)))))
        if both.any():
            most = float(np.max(apart[both]))
            absolute = max(absolute, most)
            near = near and most <= _COUNTED * odd[1].largest
            if near and specs[0].dtype == specs[1].dtype and specs[0].dtype.is_floating:
                ulps = max(ulps, int(np.max(_ulps(a, b)[both])))
    let_go(one)
    let_go(other)
    largest = odd[1].largest
    remarks = tuple(f"{side} {what}" for side, seen in zip(("lhs", "rhs"), odd, strict=True) for what in seen.remarks())
    relative = absolute / largest if largest else absolute
    odd_counts = (odd[0].nans, odd[0].infinities) == (odd[1].nans, odd[1].infinities)
    state: State = "equal" if equal else "close" if relative <= CLOSE and odd_counts else "changed"
    return ValueDifference(mine, theirs, state, absolute, relative, changed, one.size, remarks, ulps if near else 0)


def _ulps(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """How many numbers of their type lie between floating-point values, which their bits count in order."""
    import numpy as np

    kind = f"i{one.dtype.itemsize}"
    least = np.iinfo(kind).min
    counts = []
    for values in (one, other):
        bits = np.ascontiguousarray(values).view(kind)
        counts.append(np.where(bits < 0, np.subtract(least, bits, dtype=kind), bits).astype(np.int64))
    with np.errstate(over="ignore"):
        apart: NDArray[Any] = np.abs(counts[0] - counts[1])
    # The two ends of float64 are farther apart than its bits can count.
    return np.where(apart < 0, np.iinfo(np.int64).max, apart)
