"""A zip archive whose members lie at places known beforehand, each unpacked and with room for a size above 4 GiB.

Source: PKWARE's APPNOTE.TXT, 4.3.7 "Local file header" and 4.5.3 "Zip64 Extended Information Extra Field".
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from typing import BinaryIO

_OWNER_READS_AND_WRITES = 0o600 << 16


class ZipLayout:
    """The members of an archive, one after another.

    Attributes:
        size: the bytes of the members so far, with their local headers: where the next one, or the directory, begins.
    """

    def __init__(self) -> None:
        self.size = 0
        self._members: list[zipfile.ZipInfo] = []

    def add(self, name: str, size: int) -> int:
        """Gives where the bytes of a member are to be, so many of them."""
        member = zipfile.ZipInfo(name)
        member.external_attr = _OWNER_READS_AND_WRITES
        member.file_size = member.compress_size = size
        member.header_offset = self.size
        member.CRC = 0  # it is known at the end
        start = self.size + len(member.FileHeader(zip64=True))
        self._members.append(member)
        self.size = start + size
        return start

    def finish(self, stream: BinaryIO, checksums: Sequence[int]) -> None:
        """Writes the members' headers and the directory; `checksums` are the CRC-32 of the members."""
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for member, checksum in zip(self._members, checksums, strict=True):
                member.CRC = checksum
                stream.seek(member.header_offset)
                stream.write(member.FileHeader(zip64=True))
                archive.filelist.append(member)
                archive.NameToInfo[member.filename] = member
            archive.start_dir = self.size
