"""What a person decides about a checkpoint's names, as Python values or as the command line's words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ckptdoctor.errors import UsageError

if TYPE_CHECKING:
    from ckptdoctor.conversion.renames import Names

__all__ = ["NameMap", "Renames", "names_of"]

Renames = Mapping[str, str] | Sequence[str | tuple[str, str]]
"""Regular expressions and their replacements, applied one after another: `{"^tower_0/": ""}`, pairs, or the command line's
`["^tower_0/="]`."""

NameMap = Mapping[str, str] | str | os.PathLike[str]
"""The checkpoint's keys and the graph's: a dict, or a file of them (TOML, JSON, or two names a line)."""


def names_of(rename: Renames = (), map: NameMap | None = None, *, ema: bool = False) -> Names:
    """What is decided about names.

    Args:
        rename: regular expressions and their replacements.
        map: whole keys and their new names; it comes before the expressions.
        ema: moving averages take the names of their variables, before anything else.

    Raises:
        UsageError: an expression has no replacement.
    """
    from ckptdoctor.conversion.renames import Names, parse_rename

    if isinstance(rename, str):
        raise UsageError(f"rename is one string, {rename!r}", hint=f"Pass a dict, or a list of strings: [{rename!r}].")
    listed = rename.items() if isinstance(rename, Mapping) else rename
    patterns = tuple(parse_rename(item) if isinstance(item, str) else item for item in listed)
    if isinstance(map, Mapping):
        return Names(patterns, averages=ema, mapping=tuple(map.items()))
    return Names(patterns, Path(map) if map else None, ema)
