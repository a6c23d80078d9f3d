"""The values of two checkpoints side by side, and what the values of one look like, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, Literal

from ckptdoctor.formats.checkpoint import Advance, Checkpoint
from ckptdoctor.io.mapped_file import let_go
from ckptdoctor.limits import COPY_CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

State = Literal["equal", "close", "changed", "incomparable"]
"""`equal` bit for bit · `close` within the tolerance · `changed` · `incomparable` in shape or type."""

CLOSE = 1e-6
"""The relative difference, as a part of the largest absolute value, up to which values are close."""

_COUNTED = 1e-3

BINS = 48

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


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a tensor's values look like; the numbers are of the finite elements.

    Attributes:
        key: the tensor.
        minimum, maximum, mean, deviation: NaN where there is no finite element.
        zeros, nans, infinities: counts.
        histogram: counts in equal bins from the minimum to the maximum.
    """

    key: str
    minimum: float
    maximum: float
    mean: float
    deviation: float
    zeros: int
    nans: int
    infinities: int
    histogram: tuple[int, ...]


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
    odd = _Odd(), _Odd()
    equal = specs[0].dtype == specs[1].dtype
    for start in range(0, one.size, step):
        a, b = one[start : start + step], other[start : start + step]
        if start % _LET_GO == 0:
            let_go(one)
            let_go(other)
        x = _numbers(a)
        if specs[0].dtype == specs[1].dtype and np.array_equal(a.view(np.uint8), b.view(np.uint8)):
            seen = _Odd()
            seen.see(x)
            for side in odd:
                side.add(seen)
            continue
        equal = False
        y = _numbers(b)
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


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a type that NumPy computes with: floats as they are or as float32, integers as float64."""
    import numpy as np

    if values.dtype.kind in "fc" and values.dtype.itemsize > 2:
        return values
    return values.astype(np.float32 if values.dtype.kind in "fV" else np.float64)


class _Odd:
    """Counts what is odd about a tensor."""

    def __init__(self) -> None:
        self.elements = self.nans = self.infinities = 0
        self.largest, self.least, self.most = 0.0, float("inf"), float("-inf")

    def see(self, values: NDArray[Any]) -> None:
        """Takes a chunk into account."""
        import numpy as np

        self.elements += values.size
        if not values.size:
            return
        sizes = np.abs(values) if values.dtype.kind == "c" else values
        least, most = float(np.min(sizes)), float(np.max(sizes))
        if not (isfinite(least) and isfinite(most)):
            self.nans += int(np.count_nonzero(np.isnan(values)))
            self.infinities += int(np.count_nonzero(np.isinf(values)))
            finite = sizes[np.isfinite(sizes)]
            if not finite.size:
                return
            least, most = float(np.min(finite)), float(np.max(finite))
        self.least, self.most = min(self.least, least), max(self.most, most)
        self.largest = max(self.largest, abs(least), abs(most))

    def add(self, other: _Odd) -> None:
        """Takes what was counted elsewhere into account."""
        self.elements += other.elements
        self.nans += other.nans
        self.infinities += other.infinities
        self.least, self.most = min(self.least, other.least), max(self.most, other.most)
        self.largest = max(self.largest, other.largest)

    def remarks(self) -> Iterator[str]:
        """What is odd, in phrases."""
        if self.nans:
            yield f"has {self.nans:,} NaN"
        if self.infinities:
            yield f"has {self.infinities:,} Inf"
        if self.elements > 1 and self.least == self.most and not (self.nans or self.infinities):
            yield "is all zero" if self.least == 0 else f"is {self.least:g} everywhere"


def describe_values(checkpoint: Checkpoint, advance: Advance = lambda size: None) -> Iterator[Statistics]:
    """What each tensor's values look like, strings left out; `advance` hears the bytes read.

    Raises:
        FormatError: a value cannot be read.
    """
    for key, entry in checkpoint.inventory.entries.items():
        described = describe_value(checkpoint, key)
        if described:
            yield described
        advance(entry.spec.nbytes)


def describe_value(checkpoint: Checkpoint, key: str) -> Statistics | None:
    """What one tensor's values look like; None for strings.

    Raises:
        FormatError: a value cannot be read.
    """
    if not checkpoint.inventory.entries[key].spec.dtype.itemsize:
        return None
    return _describe(key, checkpoint.read(key).reshape(-1))


def _describe(key: str, values: NDArray[Any]) -> Statistics:
    import numpy as np

    step = max(1, COPY_CHUNK // 8)
    chunks = [values[start : start + step] for start in range(0, values.size, step)]
    seen = _Odd()
    zeros, count, total, squares = 0, 0, 0.0, 0.0
    for number, chunk in enumerate(chunks):
        if number % 8 == 0:
            let_go(values)
        numbers = _real(chunk)
        seen.see(numbers)
        finite = numbers[np.isfinite(numbers)]
        zeros += int(finite.size - np.count_nonzero(finite))
        count += finite.size
        total += float(np.sum(finite, dtype=np.float64))
    mean = total / count if count else float("nan")
    histogram = np.zeros(BINS, dtype=np.int64)
    for number, chunk in enumerate(chunks):
        if number % 8 == 0:
            let_go(values)
        numbers = _real(chunk)
        finite = numbers[np.isfinite(numbers)]
        squares += float(np.sum(np.square(finite.astype(np.float64) - mean)))
        if count and seen.most > seen.least:
            histogram += np.histogram(finite, bins=BINS, range=(seen.least, seen.most))[0]
    if count and seen.most == seen.least:
        histogram[BINS // 2] = count
    let_go(values)
    nothing = float("nan")
    return Statistics(
        key,
        seen.least if count else nothing,
        seen.most if count else nothing,
        mean,
        sqrt(squares / count) if count else nothing,
        zeros,
        seen.nans,
        seen.infinities,
        tuple(int(number) for number in histogram),
    )


def _real(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    numbers = _numbers(values)
    return np.abs(numbers) if numbers.dtype.kind == "c" else numbers
