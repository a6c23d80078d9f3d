"""What the values of a checkpoint look like, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from ckptdoctor.formats.checkpoint import Advance, Checkpoint
from ckptdoctor.io.mapped_file import let_go
from ckptdoctor.limits import COPY_CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 48


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
    seen = RunningSummary()
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

    numbers = to_numbers(values)
    return np.abs(numbers) if numbers.dtype.kind == "c" else numbers


def to_numbers(values: NDArray[Any]) -> NDArray[Any]:
    """Values in a type that NumPy computes with: floats as they are or as float32, integers as float64."""
    import numpy as np

    if values.dtype.kind in "fc" and values.dtype.itemsize > 2:
        return values
    return values.astype(np.float32 if values.dtype.kind in "fV" else np.float64)


class RunningSummary:
    """The range of the finite values seen so far, and how many NaN and Inf there were; chunk by chunk."""

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

    def add(self, other: RunningSummary) -> None:
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
