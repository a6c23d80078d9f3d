"""CRC-32C (Castagnoli), and the masked form that LevelDB and TensorFlow store.

Source: LevelDB, util/crc32c.h, `Mask`: a checksum of data that contains checksums is rotated and offset first.
"""

from __future__ import annotations

import google_crc32c

from ckptdoctor.errors import Corrupt
from ckptdoctor.limits import COPY_CHUNK
from ckptdoctor.specs.tensor import Extent

_MASK_DELTA = 0xA282EAD8


def extend(crc: int, data: bytes | memoryview) -> int:
    """The checksum of what gave `crc` followed by `data`; start from 0."""
    # The extension takes bytes only; callers pass chunks, so the copy is bounded.
    return int(google_crc32c.extend(crc, data if isinstance(data, bytes) else bytes(data)))


def mask(crc: int) -> int:
    """The form in which a checksum is stored."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def masked(data: bytes | memoryview) -> int:
    """The stored form of the checksum of `data`."""
    return mask(extend(0, data))


def of_extent(extent: Extent, crc: int = 0) -> int:
    """The checksum of an extent's bytes after what gave `crc`, read in chunks: a mapping would count as memory in use.

    Raises:
        Corrupt: the file ends before the extent does.
    """
    buffer = bytearray(min(COPY_CHUNK, max(extent.size, 1)))
    with extent.file.open("rb", buffering=0) as file:
        file.seek(extent.offset)
        remaining = extent.size
        while remaining:
            size = file.readinto(memoryview(buffer)[: min(remaining, len(buffer))])
            if not size:
                raise Corrupt(
                    extent.file,
                    "data",
                    f"the file ends {remaining:,} bytes early",
                    offset=extent.offset,
                    hint="The file is truncated: fetch it again.",
                )
            crc = extend(crc, memoryview(buffer)[:size])
            remaining -= size
    return crc
