"""Names that somebody who wrote another one may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

_COMPARED = 20_000
"""Names; comparing more would take longer than reading the list."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """`Did you mean …?` with the nearest names, or an empty string."""
    near = get_close_matches(name, list(islice(names, _COMPARED)), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}?" if near else ""
