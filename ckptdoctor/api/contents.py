"""What a checkpoint holds, as a value that shows itself.

The function is no `inspect`, as the command is: that is a module of the standard library, which `from ckptdoctor import *`
would take away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ckptdoctor.api.opened import CheckpointName, OpenedCheckpoint, checkpoint_of
from ckptdoctor.specs.inventory import Inventory

if TYPE_CHECKING:
    from ckptdoctor.values.statistics import Statistics

__all__ = ["Contents", "contents", "statistics"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Contents(Inventory):
    """What a checkpoint holds. In a notebook it is the page that `ckptdoctor inspect --html` writes."""

    def __repr__(self) -> str:
        size = sum(entry.spec.nbytes for entry in self.variables.values())
        return f"<contents of {self.source!r}: {len(self.variables):,} variables, {size:,} bytes, {self.format}>"

    def __str__(self) -> str:
        from ckptdoctor.reports.inspect_text import print_inspect
        from ckptdoctor.reports.plain_text import plain_text

        return plain_text(lambda console: print_inspect(self, console, table=False))

    def to_dict(self) -> dict[str, Any]:
        """What `ckptdoctor inspect --format json` prints, as plain values."""
        from ckptdoctor.reports.inspect_json import inspect_to_dict

        return inspect_to_dict(self)

    def to_json(self) -> str:
        """What `ckptdoctor inspect --format json` prints."""
        from ckptdoctor.reports.json_text import json_text

        return json_text(self.to_dict())

    def _repr_html_(self) -> str:
        from ckptdoctor.reports.inspect_html import inspect_page
        from ckptdoctor.reports.page import in_notebook

        return in_notebook(inspect_page(self))


def contents(checkpoint: CheckpointName | OpenedCheckpoint) -> Contents:
    """What a checkpoint holds: keys, shapes, types, files; no values.

    Args:
        checkpoint: a prefix, a file of it, a directory, or an opened checkpoint.

    Raises:
        FormatError: it cannot be read.
    """
    inventory = checkpoint_of(checkpoint).inventory
    return Contents(*(getattr(inventory, field.name) for field in fields(Inventory)))


def statistics(
    checkpoint: CheckpointName | OpenedCheckpoint, advance: Callable[[int], object] = lambda size: None
) -> Iterator[Statistics]:
    """What the values of each tensor look like. See `ckptdoctor.values.statistics`.

    Args:
        checkpoint: a name, or an opened checkpoint.
        advance: hears bytes as they are read.

    Raises:
        FormatError: it cannot be read.
    """
    from ckptdoctor.values.statistics import describe_values

    return describe_values(checkpoint_of(checkpoint), advance)
