"""Values as plain data, for the JSON of diff and inspect; NaN is null."""

from __future__ import annotations

from math import isnan
from typing import Any

from ckptdoctor.values.comparison import ValueDifference
from ckptdoctor.values.statistics import Statistics


def difference_to_dict(item: ValueDifference) -> dict[str, Any]:
    """One compared tensor."""
    return {
        "lhs": item.lhs,
        "rhs": item.rhs,
        "state": item.state,
        "max_absolute": item.absolute,
        "max_relative": item.relative,
        "max_ulps": item.ulps,
        "changed": item.changed,
        "elements": item.elements,
        "remarks": list(item.remarks),
    }


def statistics_to_dict(item: Statistics) -> dict[str, Any]:
    """One tensor's statistics."""
    numbers = {"min": item.minimum, "max": item.maximum, "mean": item.mean, "std": item.deviation}
    return {
        "name": item.key,
        **{name: None if isnan(value) else value for name, value in numbers.items()},
        "zeros": item.zeros,
        "nans": item.nans,
        "infinities": item.infinities,
        "histogram": list(item.histogram),
    }
