"""What a checkpoint format is: how it is recognised, opened and written, and what it can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ckptdoctor.containers.sstable.format import FOOTER_SIZE, has_magic
from ckptdoctor.containers.zip_archive import ZipArchive
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.target import DataFiles, TargetOptions, Tensors, Writer
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.io.store import LOCAL, Store
from ckptdoctor.io.stored_file import StoredFile
from ckptdoctor.specs.inventory import Family

_HEAD = 4096
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


class Probe:
    """A file whose format is to be told: by its content, never by its name. Each part is read once, when it is looked at.

    Args:
        path: the file.
        store: where it is.
        source: the checkpoint as a command can name it again; the file's own path if empty.
        notes: what the user should know about how it was found.

    Raises:
        FormatError: what is looked at cannot be read.
    """

    def __init__(self, path: Path, store: Store = LOCAL, source: str = "", notes: tuple[str, ...] = ()) -> None:
        self.path, self.store, self.source, self.notes = path, store, source or str(path), notes

    @cached_property
    def file(self) -> StoredFile:
        """The file, opened."""
        return self.store.open(self.path)

    @cached_property
    def _ends(self) -> tuple[bytes, bytes]:
        """The first 4,096 bytes, and as many last ones as a table's footer has."""
        size = self.file.size
        ends = [(0, min(_HEAD, size)), (max(0, size - FOOTER_SIZE), min(FOOTER_SIZE, size))]
        head, tail = self.file.peek(ends)
        return head, tail

    @property
    def head(self) -> bytes:
        """The first 4,096 bytes."""
        return self._ends[0]

    @property
    def is_table(self) -> bool:
        """Whether it ends as a sorted string table does."""
        return has_magic(self._ends[1])

    @cached_property
    def archive(self) -> ZipArchive | None:
        """The zip archive that it is; None if it is none.

        Raises:
            Corrupt: the archive is damaged.
        """
        return ZipArchive(self.file) if self.head.startswith(_ZIP) else None


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files: a checkpoint's, or one that is known and refused.

    Attributes:
        name: for people; of a refused one with its article, as "this is" is put before it.
        recognise: whether a file seems to be of it.
        family: whose loader it is for; None where nothing is read.
        open: opens a file of it; gives None where a closer look shows that it is of another format.
        refusal: what to do about a file of it that is not opened; empty where one is.
        target: what `--to` calls it; empty where it is not written.
        write: makes a writer of destination, output, the tensors to come, and what it must know beside them.
        endings: how the names of its files end, in lower case: an output's name asks for it by one of them.
        sharded: whether it can be several files.
        by_position: whether its reader goes by the order of a model's weights; else it has its tensors by key.
        by_layers: whether its reader goes by the order of the layers and of the weights in each.
        keras_places: whether it has a tensor where Keras 3's own traversal puts it.
        strings: whether strings can be written to it.
        key_problem: why its owner, or we, could not read a key back that was written to it; empty for every other key.
        slices: whether it saves a partitioned tensor in slices.
        data_files: gives the data files of a checkpoint of this format that a new index can describe as they are; None
            where that is impossible.
        checksums: whether it keeps checksums of its values.
    """

    name: str
    recognise: Callable[[Probe], bool]
    family: Family | None = None
    open: Callable[[Probe], Checkpoint | None] | None = None
    refusal: str = ""
    target: str = ""
    write: Callable[[str, AtomicOutput, Tensors, TargetOptions], Writer] | None = None
    endings: tuple[str, ...] = ()
    sharded: bool = False
    by_position: bool = False
    by_layers: bool = False
    keras_places: bool = False
    strings: bool = False
    key_problem: Callable[[str], str] = lambda key: ""
    slices: bool = False
    data_files: Callable[[Checkpoint], DataFiles | None] = lambda checkpoint: None
    checksums: bool = False


def starts_with(*starts: bytes) -> Callable[[Probe], bool]:
    """Recognises a file by its first bytes."""
    return lambda probe: probe.head.startswith(starts)


def no_text(key: str) -> str:
    """Why a key is no name in a format whose names are UTF-8 and end at a zero byte; empty if it is one."""
    if "\0" in key:
        return "a zero byte ends a name there"
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return "it is no text in UTF-8"
    return ""
