"""Copying bytes from file to file, at given places."""

from __future__ import annotations

import os
from collections.abc import Callable

from ckptdoctor.errors import Corrupt
from ckptdoctor.limits import COPY_CHUNK
from ckptdoctor.specs.tensor import Extent

Observe = Callable[[memoryview], object]
"""Called with every chunk of copied bytes, in order."""


def copy_range(
    extent: Extent,
    source: int,
    out: int,
    position: int,
    observe: Observe | None = None,
    advance: Callable[[int], object] = lambda size: None,
) -> None:
    """Copies an extent through the kernel where it can (`copy_file_range`), at most `COPY_CHUNK` bytes at a time.

    Args:
        extent: what to copy.
        source: the descriptor of its file.
        out: the descriptor of the file to write.
        position: where in it.
        observe: sees the bytes on the way.
        advance: hears how many were copied.

    Raises:
        Corrupt: the file ends before the extent does.
    """
    buffer = memoryview(bytearray(min(COPY_CHUNK, extent.size))) if observe else None
    done = 0
    while done < extent.size:
        step = min(extent.size - done, COPY_CHUNK)
        if buffer is not None and observe is not None:
            step = os.preadv(source, [buffer[:step]], extent.offset + done)
            observe(buffer[:step])
        copied = _copy_in_kernel(source, out, extent.offset + done, position + done, step)
        if not copied:
            raise Corrupt(
                extent.file,
                "data",
                f"ends {extent.size - done:,} bytes early",
                offset=extent.offset + done,
                hint="The file is truncated: fetch it again.",
            )
        done += copied
        advance(copied)


def write_at(out: int, data: bytes, position: int) -> None:
    """Writes all the bytes at a place of a file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(out, view, position)
        view, position = view[written:], position + written


def _copy_in_kernel(source: int, out: int, offset: int, position: int, size: int) -> int:
    """Copies exactly `size` bytes, or fewer at the end of the source; returns how many."""
    done = 0
    while done < size:
        try:
            step = os.copy_file_range(source, out, size - done, offset + done, position + done)
        except (OSError, AttributeError):
            # Across file systems, on some network file systems and outside Linux: through memory.
            data = os.pread(source, min(size - done, COPY_CHUNK), offset + done)
            step = os.pwrite(out, data, position + done)
        if not step:
            break
        done += step
    return done
