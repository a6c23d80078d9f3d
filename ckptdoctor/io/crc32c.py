"""CRC-32C (Castagnoli), and the masked form that LevelDB and TensorFlow store.

Source: LevelDB, util/crc32c.h, `Mask`: a checksum of data that contains checksums is rotated and offset first.
"""

from __future__ import annotations

import google_crc32c

from ckptdoctor.io.stored_file import StoredFile

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


def of_range(file: StoredFile, offset: int, size: int) -> int:
    """The checksum of a range of a file, read in chunks.

    Raises:
        Corrupt: the file ends before the range does.
    """
    crc = 0
    for chunk in file.chunks(offset, size):
        crc = extend(crc, chunk)
    return crc
