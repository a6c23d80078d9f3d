"""Zip archives, read with distrust: the standard library lists them, and what could mislead is refused.

Source: PKWARE's APPNOTE.TXT, 4.3.7 "Local file header", for where a stored member's bytes begin.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from ckptdoctor.errors import Corrupt, FormatError, reason
from ckptdoctor.io.stored_file import StoredFile
from ckptdoctor.limits import COPY_CHUNK, MAX_ZIP_MEMBERS, MAX_ZIP_RATIO
from ckptdoctor.specs.tensor import Extent

_LOCAL_HEADER, _LOCAL_SIGNATURE = 30, b"PK\x03\x04"
_END, _END_SIGNATURE, _MAX_COMMENT, _IN_ZIP64 = 22, b"PK\x05\x06", 0xFFFF, 0xFFFF
FAILURES = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    ValueError,
    NotImplementedError,
    EOFError,
)
"""What the standard library raises when an archive is damaged."""
_DAMAGED = "The archive is damaged or was made to mislead: fetch it again from where you trust."


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its name, its unpacked size in bytes, and where its bytes lie if they are not packed."""

    name: str
    size: int
    extent: Extent | None


class ZipArchive:
    """The members of an archive.

    Raises:
        Corrupt: it cannot be listed, a name occurs twice or leaves the archive, or a member unfolds beyond measure.
    """

    def __init__(self, file: StoredFile) -> None:
        self.file = file
        self.path = path = file.path
        try:
            self._zip = zipfile.ZipFile(file.stream())
        except FAILURES as error:
            raise Corrupt(path, "zip directory", reason(error), hint=_DAMAGED) from error
        infos = self._zip.infolist()
        if len(infos) > MAX_ZIP_MEMBERS:
            raise Corrupt(path, "zip directory", f"{len(infos):,} members", hint=_DAMAGED)
        self.members: dict[str, Member] = {}
        promised = _promised(file)
        if promised not in (None, len(infos)):
            # A damaged length hides the members behind it, and the standard library does not count.
            raise Corrupt(path, "zip directory", f"{len(infos):,} members", expected=f"{promised:,}", hint=_DAMAGED)
        self._list(infos)

    def _list(self, infos: list[zipfile.ZipInfo]) -> None:
        path = self.path
        headers = self._local_headers(infos)
        for info in infos:
            name = info.filename
            if name in self.members:
                raise Corrupt(path, "zip directory", f"{name!r} occurs twice", hint=_DAMAGED)
            if leads_out(name):
                raise Corrupt(path, "zip directory", f"{name!r} leads out of the archive", hint=_DAMAGED)
            if info.flag_bits & 1:
                raise Corrupt(path, f"member {name!r}", "is encrypted", hint="Unpack it with its password first.")
            if info.file_size > MAX_ZIP_RATIO * max(info.compress_size, 64):
                raise Corrupt(
                    path, f"member {name!r}", f"{info.file_size:,} bytes out of {info.compress_size:,}", hint=_DAMAGED
                )
            self.members[name] = Member(name, info.file_size, self._extent(info, headers))

    def _local_headers(self, infos: list[zipfile.ZipInfo]) -> dict[int, memoryview]:
        """The local headers of the members that are not packed, by where they begin."""
        starts = {info.header_offset for info in infos if info.compress_type == zipfile.ZIP_STORED}
        # A damaged directory gives offsets before the file, too.
        inside = sorted(start for start in starts if 0 <= start <= self.file.size - _LOCAL_HEADER)
        views = self.file.read_ranges([(start, _LOCAL_HEADER) for start in inside], "zip directory")
        return dict(zip(inside, views, strict=True))

    def _extent(self, info: zipfile.ZipInfo, headers: Mapping[int, memoryview]) -> Extent | None:
        if info.compress_type != zipfile.ZIP_STORED:
            return None
        header = headers.get(info.header_offset, memoryview(b""))
        if len(header) < _LOCAL_HEADER or header[:4] != _LOCAL_SIGNATURE:
            raise Corrupt(
                self.path, f"member {info.filename!r}", "has no local header", offset=info.header_offset, hint=_DAMAGED
            )
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        start = info.header_offset + _LOCAL_HEADER + lengths
        if start + info.file_size > self.file.size or info.file_size != info.compress_size:
            raise Corrupt(
                self.path, f"member {info.filename!r}", "reaches outside the file", offset=start, hint=_DAMAGED
            )
        return Extent(self.path, start, info.file_size)

    def damaged(self) -> list[FormatError]:
        """What is wrong with the members' checksums, an error each."""
        problems: list[FormatError] = []
        for name in self.members:
            try:
                with self.open(name) as file:
                    while file.read(COPY_CHUNK):
                        pass
            except FormatError as error:
                problems.append(error)
            except FAILURES as error:
                problems.append(Corrupt(self.path, f"member {name!r}", reason(error), hint=_DAMAGED))
        return problems

    def open(self, name: str) -> BinaryIO:
        """A member's unpacked bytes; their checksum is compared as they are read to the end.

        Raises:
            Corrupt: it cannot be opened; reading raises one of `FAILURES` where it is damaged.
        """
        try:
            return cast(BinaryIO, self._zip.open(name))
        except FAILURES as error:
            raise Corrupt(self.path, f"member {name!r}", reason(error), hint=_DAMAGED) from error

    def read(self, name: str, most: int) -> bytes:
        """A small member, whole.

        Raises:
            Corrupt: it has more bytes than `most`, or its checksum differs.
        """
        if self.members[name].size > most:
            raise Corrupt(
                self.path,
                f"member {name!r}",
                f"{self.members[name].size:,} bytes",
                expected=f"at most {most:,}",
                hint=_DAMAGED,
            )
        try:
            return self._zip.read(name)
        except FAILURES as error:
            raise Corrupt(self.path, f"member {name!r}", reason(error), hint=_DAMAGED) from error


def leads_out(name: str) -> bool:
    """Whether a member of this name would be unpacked outside of the folder it is unpacked in."""
    return name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name[:2]


def _promised(file: StoredFile) -> int | None:
    """How many members the end of an archive promises; None where the number is kept elsewhere (zip64).

    Source: APPNOTE.TXT, 4.3.16 "End of central directory record".
    """
    start = max(0, file.size - _END - _MAX_COMMENT)
    tail = bytes(file.view(start, file.size - start, "zip directory"))
    at = tail.rfind(_END_SIGNATURE)
    count = int.from_bytes(tail[at + 10 : at + 12], "little") if at >= 0 else _IN_ZIP64
    return None if count == _IN_ZIP64 else count
