"""What every format gives: an opened checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.slices import Piece
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.tensor import Extent

if TYPE_CHECKING:
    from numpy.typing import NDArray

Advance = Callable[[int], object]
"""Called with the number of bytes just worked through."""


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """A tensor's bytes as a tensor bundle stores them: elements little-endian and row-major.

    Attributes:
        extents: where they lie, in order.
        masked_crc: their masked checksum, if the checkpoint records one.
        encoding: empty, or the target whose own way of storing strings and variants they are in, and their checksum.
    """

    extents: tuple[Extent, ...]
    masked_crc: int | None
    encoding: str = ""


class Checkpoint(Protocol):
    """An opened checkpoint. Opening one reads its specs; values are read when they are asked for."""

    @property
    def inventory(self) -> Inventory:
        """What it holds."""
        ...

    def read(self, key: str) -> NDArray[Any]:
        """The value of a key, read-only and in native byte order, mapped into memory where its bytes allow it.

        Strings come as an array of `bytes` objects.

        Raises:
            KeyError: there is no such key.
            FormatError: its data is missing or damaged, or its type has no values to read.
        """
        ...

    def pieces(self, key: str) -> Iterable[Piece]:
        """The slices of a partitioned value, each mapped where it can be; nothing for a whole one.

        Raises:
            KeyError: there is no such key.
            FormatError: its data is missing or damaged.
        """
        ...

    def stored(self, key: str) -> StoredBytes | None:
        """Where the value's bytes can be copied from as they are, or None where they cannot.

        Raises:
            KeyError: there is no such key.
            FormatError: its data is missing or damaged.
        """
        ...

    def verify(self, advance: Advance) -> list[FormatError]:
        """Checks every checksum and every extent; gives what is wrong, one error a finding."""
        ...
