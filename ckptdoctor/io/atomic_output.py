"""Output files that appear whole or not at all.

Every file is written beside its destination under a temporary name, made durable, and renamed only when all of them
are complete; the last one added is renamed last. If anything fails before that, the temporary files are removed; what a
killed process left is removed by the next one that writes there.

Several files that replace others cannot be renamed at once: before the first of them, a journal says which files are
complete, and the next process finishes what one that was killed between two renames began. Where a rename fails, what
was there is put back.

    temporary := .NAME.HOST-PROCESS-TOKEN.partial        HOST is a number for the machine's name
    journal   := .NAME.HOST-PROCESS-TOKEN.commit         {"renames": [[TEMPORARY, NAME], …]}, in order
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ckptdoctor.errors import OutputError
from ckptdoctor.limits import MAX_STATE_FILE

_LEFT = re.compile(r"\..+\.(?P<host>[0-9a-f]{8})-(?P<process>\d+)-[0-9a-f]{8}\.(?P<kind>partial|commit)")
_HOST = f"{zlib.crc32(os.uname().nodename.encode()):08x}"


class AtomicOutput:
    """A set of output files, as a context manager; `commit` makes them appear.

    Raises:
        OutputError: a file exists and `force` is not set, or the directory cannot be written.
    """

    def __init__(self, *, force: bool = False) -> None:
        self._force = force
        self._token = f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
        self._pending: list[tuple[Path, Path]] = []
        self._scratch: list[Path] = []
        self._open: list[BinaryIO] = []
        self._cleaned: set[Path] = set()

    def __enter__(self) -> AtomicOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._open:
            with suppress(OSError):
                stream.close()
        for temporary in [*self._scratch, *(temporary for temporary, _ in self._pending)]:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OutputError(
                f"{error.filename or 'the output'} could not be written: {error.strerror}",
                hint="Nothing was left behind. Free some space, or choose another place for the output.",
            ) from error

    def _temporary(self, destination: Path) -> Path:
        directory = destination.parent
        directory.mkdir(parents=True, exist_ok=True)
        if directory not in self._cleaned:
            self._cleaned.add(directory)
            with _locked(directory):
                clean(directory)
        return destination.with_name(f".{destination.name}.{self._token}.partial")

    def _reserve(self, destination: Path) -> Path:
        if destination.exists() and not self._force:
            raise OutputError(
                f"{destination} exists", hint="Choose another output, or replace it: --force, in Python force=True."
            )
        temporary = self._temporary(destination)
        self._pending.append((temporary, destination))
        return temporary

    def create(self, destination: Path) -> BinaryIO:
        """A stream whose bytes will be at `destination` after `commit`."""
        return self._opened(self._reserve(destination).open("xb"))

    def scratch(self, destination: Path) -> BinaryIO:
        """A stream beside `destination`, to be written and read, that is gone afterwards."""
        temporary = self._temporary(destination.with_name(destination.name + ".scratch"))
        self._scratch.append(temporary)
        return self._opened(temporary.open("x+b"))

    def _opened(self, stream: BinaryIO) -> BinaryIO:
        self._open.append(stream)
        return stream

    def link(self, source: Path, destination: Path) -> None:
        """A hard link to `source`, at `destination` after `commit`."""
        try:
            os.link(source.resolve(), self._reserve(destination))
        except OSError as error:
            raise OutputError(
                f"{source} cannot be linked to {destination}: {error.strerror}",
                hint="A hard link needs both on one file system. Leave --link out to copy.",
            ) from error

    def staged(self) -> dict[Path, Path]:
        """The files as they are now, to be read before they are in place → their destinations."""
        for stream in self._open:
            stream.flush()
        return dict(self._pending)

    def commit(self) -> tuple[Path, ...]:
        """Makes every file durable and renames it to its destination, in the order they were added.

        The directory is locked meanwhile, so that of two processes with one destination the later one's files are there,
        all of them.
        """
        for stream in self._open:
            stream.flush()
            os.fsync(stream.fileno())
        written = tuple(destination for _, destination in self._pending)
        for directory in dict.fromkeys(path.parent for path in written):
            pairs = [pair for pair in self._pending if pair[1].parent == directory]
            with _locked(directory) as descriptor:
                self._scratch.append(directory / f".{pairs[-1][1].name}.journal.{self._token}.partial")
                journal = _write_journal(directory, self._token, pairs, self._scratch[-1], descriptor)
                if journal is None:
                    _rename_all(pairs)
                    os.fsync(descriptor)
                else:
                    with self._restoring([destination for _, destination in pairs], journal):
                        _rename_all(pairs)
                        os.fsync(descriptor)
                    journal.unlink()
        self._pending.clear()
        return written

    @contextmanager
    def _restoring(self, destinations: list[Path], journal: Path) -> Iterator[None]:
        """Puts back what was there if renames fail while this process lives; the old files keep a second name until then."""
        were = {destination for destination in destinations if destination.exists()}
        kept: dict[Path, Path] = {}
        for destination in destinations:
            second = destination.with_name(f".{destination.name}.old.{self._token}.partial")
            with suppress(OSError):  # it is not there, or the file system has no second names
                os.link(destination, second)
                kept[destination] = second
                self._scratch.append(second)
        try:
            yield
        except BaseException:
            journal.unlink(missing_ok=True)
            for destination in destinations:
                if destination in kept:
                    kept[destination].replace(destination)
                elif destination not in were:
                    destination.unlink(missing_ok=True)
            raise


def _rename_all(pairs: list[tuple[Path, Path]]) -> None:
    for temporary, destination in pairs:
        temporary.replace(destination)


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """The directory's descriptor, while no other process commits into it or cleans it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _write_journal(
    directory: Path, token: str, pairs: list[tuple[Path, Path]], beside: Path, descriptor: int
) -> Path | None:
    """Says which files are complete, where several of them replace others; `beside` is its temporary name."""
    if len(pairs) < 2 or not any(destination.exists() for _, destination in pairs):
        return None
    journal = directory / f".{pairs[-1][1].name}.{token}.commit"
    renames = [[temporary.name, destination.name] for temporary, destination in pairs]
    with beside.open("xb") as file:
        file.write(json.dumps({"renames": renames}).encode())
        file.flush()
        os.fsync(file.fileno())
    beside.replace(journal)
    os.fsync(descriptor)
    return journal


def clean(directory: Path) -> None:
    """Finishes what a killed process had completed, and removes what it had not. The directory must be locked."""
    left = {path: match for path in directory.iterdir() if (match := _LEFT.fullmatch(path.name))}
    # Of another machine's processes nothing is known.
    dead = {path: match for path, match in left.items() if match["host"] == _HOST and not _alive(match["process"])}
    for path in [path for path, match in dead.items() if match["kind"] == "commit"]:
        for temporary, name in _read_journal(path):
            with suppress(FileNotFoundError):
                (directory / temporary).replace(directory / name)
        path.unlink(missing_ok=True)
    for path, match in dead.items():
        if match["kind"] == "partial":
            path.unlink(missing_ok=True)


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _read_journal(path: Path) -> list[tuple[str, str]]:
    """The renames of a journal, if it is one: file names in its own directory."""
    try:
        renames = json.loads(path.read_bytes()[:MAX_STATE_FILE])["renames"]
        pairs = [(str(temporary), str(name)) for temporary, name in renames]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    token = path.name.rpartition(".")[0].rpartition(".")[2]
    # Only what such a process writes is renamed, and only within the directory.
    return [
        (temporary, name)
        for temporary, name in pairs
        if temporary == f".{name}.{token}.partial" and Path(name).name == name
    ]
