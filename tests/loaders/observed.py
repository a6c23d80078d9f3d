"""What a real loader did with a model, read from the values that its variables hold afterwards."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ckptdoctor.loaders.load import Load

STORED, OWN = 1, -1
"""Signs of values: what is stored, and what the loading model starts with."""


def distinct(number: int, shape: tuple[int, ...], dtype: Any, sign: int) -> np.ndarray[Any, Any]:
    """Values that no other tensor of the same sign has."""
    size = int(np.prod(shape))
    if np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize == 1:
        values = 1 + (np.arange(size) * (number + 3) + number * 7) % 61
        return (values + (0 if sign > 0 else 62)).reshape(shape).astype(dtype)
    return (sign * (1 + number * 1000 + np.arange(size))).reshape(shape).astype(dtype)


def fill(variables: list[Any], sign: int) -> None:
    """Gives every variable values of its own."""
    for number, variable in enumerate(variables):
        variable.assign(distinct(number, tuple(variable.shape), np.asarray(variable).dtype, sign))


@dataclass(frozen=True)
class Observed:
    """What happened: variable → key, or `kept`, or `zeroed`; the error's first line; the warnings' first lines."""

    held: dict[str, str]
    error: str
    warnings: tuple[str, ...]


def observe(
    variables: Mapping[str, Any], stored: Mapping[str, np.ndarray[Any, Any]], load: Callable[[], Any]
) -> Observed:
    """Runs a loader on variables, by key, whose values are all their own."""
    before = {key: np.array(variable) for key, variable in variables.items()}
    error = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            load()
        except Exception as problem:
            error = f"{type(problem).__name__}: {problem!s}".partition("\n")[0]
    held = {key: _what(np.array(variable), before[key], stored) for key, variable in variables.items()}
    said = [str(item.message).partition("\n")[0] for item in caught]
    return Observed(held, error, tuple(text for text in said if text.startswith(("Skipping", "A total", "Could not"))))


def _what(now: np.ndarray[Any, Any], before: np.ndarray[Any, Any], stored: Mapping[str, np.ndarray[Any, Any]]) -> str:
    found = [
        key
        for key, value in stored.items()
        if value.shape == now.shape and value.dtype.kind not in "SO" and np.array_equal(value.astype(now.dtype), now)
    ]
    if np.array_equal(now, before):
        found.append("kept")
    if not now.any():
        found.append("zeroed")
    assert len(found) == 1, f"values that tell nothing: {found}"
    return found[0]


def assert_agrees(load: Load | None, real: Observed) -> None:
    """The model of a loader says what the real one did: each variable, the error, and how often it warned of what."""
    assert load is not None, "nothing is said"
    said = {**load.given, **dict.fromkeys(load.kept, "kept"), **dict.fromkeys(load.zeroed, "zeroed")}
    assert said == real.held
    assert load.error == real.error
    assert len(load.warnings) == len(real.warnings)
    for text, other in zip(sorted(load.warnings), sorted(real.warnings), strict=True):
        assert other.startswith(text[:60]), (text, other)
