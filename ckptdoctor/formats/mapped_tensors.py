"""Tensors that lie in files as plain bytes, little-endian and row-major: what several formats come down to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import FormatError
from ckptdoctor.formats.checkpoint import Advance, StoredBytes
from ckptdoctor.formats.slices import Piece
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.tensor import Extent, TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

Load = Callable[[], "NDArray[Any]"]


class MappedTensors:
    """A checkpoint of tensors whose bytes can be mapped, and of others that must be loaded.

    Args:
        inventory: what it holds.
        extents: key → where its bytes lie.
        loads: key → how to load a value whose bytes do not lie plainly: compressed, chunked, or strings.
        checks: what compares the checksums of the archive around the tensors, if they are in one.
        store: where its files are.
    """

    def __init__(
        self,
        inventory: Inventory,
        extents: Mapping[str, Extent],
        loads: Mapping[str, Load] | None = None,
        checks: Callable[[], list[FormatError]] = list,
        store: Store = LOCAL,
    ) -> None:
        self._checks = checks
        self.inventory = inventory
        self._extents = extents
        self._loads = loads or {}
        self._mapped = cache(store.open)

    def read(self, key: str) -> NDArray[Any]:
        """The value of a key. See `Checkpoint.read`."""
        import numpy as np

        spec = self.inventory.entries[key].spec
        extent = self._extents.get(key)
        if extent is None:
            values = self._loads[key]()
            values.flags.writeable = False
            return values
        return np.frombuffer(self._view(extent, key), dtype=spec.dtype.to_numpy()).reshape(spec.shape)

    def _view(self, extent: Extent, key: str) -> memoryview:
        return self._mapped(extent.file).view(extent.offset, extent.size, f"data of {key!r}")

    def pieces(self, key: str) -> tuple[Piece, ...]:
        """Nothing: these formats have whole tensors."""
        return ()

    def stored(self, key: str) -> StoredBytes | None:
        """Where a value's bytes lie, if they lie plainly; these formats keep no checksum of one tensor."""
        extent = self._extents.get(key)
        return StoredBytes((extent,), None) if extent is not None else None

    def verify(self, advance: Advance) -> list[FormatError]:
        """Compares the checksums of an archive, and reads every value; a tensor has no checksum of its own here."""
        problems = self._checks()
        for key, entry in self.inventory.entries.items():
            try:
                self.read(key)
            except FormatError as error:
                problems.append(error)
            advance(entry.spec.nbytes)
        return problems


def require_size(path: Path, key: str, spec: TensorSpec, extent: Extent) -> None:
    """Checks that a tensor's bytes are as many as its shape needs.

    Raises:
        FormatError: they are not.
    """
    if extent.size != spec.nbytes:
        raise FormatError(
            path,
            f"tensor {key!r}",
            f"{extent.size:,} bytes",
            offset=extent.offset,
            expected=f"{spec.nbytes:,} for {spec}",
            hint="The file is damaged or was made to mislead: fetch it again from where you trust.",
        )
