"""Where the bytes of a checkpoint to be written will lie: known before any of them is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ckptdoctor.specs.tensor import Extent, TensorSlice, TensorSpec

Checksum = Literal["", "crc32", "crc32c"]
"""The checksum that a format records of a tensor's bytes: none, that of zip archives, that of tensor bundles."""


@dataclass(frozen=True, slots=True)
class Part:
    """A tensor's bytes in a file, or a slice's.

    Attributes:
        key: the tensor.
        spec: the type and shape of what lies there.
        extent: where.
        slice: which part of the tensor it is; None for all of it.
        data: the bytes, where the writer has them already; else they are the elements, or copied.
        checksum: which one `Writer.finish` is given.
        start: the checksum of what it goes on from.
    """

    key: str
    spec: TensorSpec
    extent: Extent
    slice: TensorSlice | None = None
    data: bytes | None = None
    checksum: Checksum = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file that another one is copied to: all of its bytes, in their places."""

    source: Extent
    destination: Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything will lie; the paths are those of files that are not in place yet.

    Attributes:
        parts: what is written, in the order in which it lies in each file.
        files: the sizes in bytes of the files that the parts lie in.
        whole: the files that are taken over as they are.
        checked: the source's keys whose bytes lie in those, to be compared with their checksums.
    """

    parts: tuple[Part, ...] = ()
    files: Mapping[Path, int] = field(default_factory=dict)
    whole: tuple[WholeFile, ...] = ()
    checked: tuple[str, ...] = ()
