"""A file, mapped into memory read-only."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.errors import CHECK, Corrupt, FormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class MappedFile:
    """A read-only mapping of a whole file. Views stay valid as long as something refers to them.

    Raises:
        FormatError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise FormatError(path, "file", f"cannot be opened: {error.strerror}", hint=CHECK) from error
        try:
            self.size = os.fstat(descriptor).st_size
            # An empty file cannot be mapped.
            self._view = memoryview(mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)) if self.size else memoryview(b"")
        except OSError as error:
            raise FormatError(path, "file", f"cannot be read: {error.strerror}", hint=CHECK) from error
        finally:
            os.close(descriptor)

    def view(self, offset: int, size: int, structure: str) -> memoryview:
        """The bytes from `offset`, `size` of them, without copying.

        Raises:
            Corrupt: they reach outside the file; `structure` says what they should have been.
        """
        if offset < 0 or size < 0 or offset + size > self.size:
            raise Corrupt(
                self.path,
                structure,
                f"bytes {offset:,} to {offset + size:,} lie outside the file of {self.size:,} bytes",
                offset=offset,
                hint="The file is truncated or damaged: fetch it again, or use another step's checkpoint.",
            )
        return self._view[offset : offset + size]


def let_go(values: NDArray[Any]) -> None:
    """Gives back the memory that a mapped array was read into; it stays readable, and is read again if it is.

    Pages of a mapping count as the process's own until they are given back.
    """
    base: Any = values
    while type(base).__name__ in ("ndarray", "memmap") and base.base is not None:
        base = base.base
    mapping = base.obj if isinstance(base, memoryview) else None
    if isinstance(mapping, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapping.madvise(mmap.MADV_DONTNEED)
