"""`ckptdoctor.lock`: what each configured checkpoint holds and which bytes it is, so that a check needs neither.

lock       := {"schema": "ckptdoctor.lock/1", "checkpoints": [checkpoint]}
checkpoint := {"checkpoint": as the configuration names it, "format", "family", "files": [file], "objects"?, "variables": [variable]}
file       := {"name": beside the first file, "size": bytes, "sha256": hexadecimal}
objects    := a TensorFlow 2 object graph, base64 of its `TrackableObjectGraph`
variable   := {"key", "dtype", "shape", "slices"?, "name"?, "path"?, "owner"?, "slot"?}    see `ckptdoctor.specs.inventory.Entry`

JSON, a file or a variable a line, so that a change of the lock reads well in a review. SHA-256 and size are what a git-lfs
pointer holds too (git-lfs, docs/spec.md), so a clone without the data can still tell whether it is the locked one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from os.path import relpath
from pathlib import Path
from typing import Any

from ckptdoctor.containers.zip_archive import leads_out
from ckptdoctor.errors import FormatError, UsageError
from ckptdoctor.formats.checkpoint import Advance
from ckptdoctor.formats.object_graph import decode_objects, encode_objects
from ckptdoctor.limits import COPY_CHUNK, MAX_ELEMENTS, MAX_LOCK
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import SourceLine
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import TensorSlice, TensorSpec, show_shape

NAME = "ckptdoctor.lock"
SCHEMA = "ckptdoctor.lock/1"

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\nsize (\d+)\n"
)
_POINTER_BYTES = 1024
"""A pointer is shorter than this (git-lfs, docs/spec.md)."""
_LONGEST_NAME = 255
"""Bytes of a file's name (POSIX, limits.h, `NAME_MAX`)."""
_OPTIONAL = ("name", "path", "owner", "slot")


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file: its name from the checkpoint's directory, its size in bytes, and its SHA-256 in hexadecimal."""

    name: str
    size: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.name} {self.size:,} bytes, sha256 {self.sha256[:16]}…"


@dataclass(frozen=True, slots=True)
class LockedCheckpoint:
    """One checkpoint.

    Attributes:
        checkpoint: as the configuration names it.
        files: which bytes it is.
        inventory: what it holds; its `files` are where the locked ones would lie.
        location: its line in the lock.
    """

    checkpoint: str
    files: tuple[LockedFile, ...]
    inventory: Inventory
    location: SourceLine


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: its path and what it holds."""

    path: Path
    checkpoints: tuple[LockedCheckpoint, ...]

    def find(self, checkpoint: str) -> LockedCheckpoint | None:
        """What is locked under the name that the configuration uses."""
        return next((item for item in self.checkpoints if item.checkpoint == checkpoint), None)


def lock_checkpoint(checkpoint: str, inventory: Inventory, advance: Advance = lambda size: None) -> LockedCheckpoint:
    """Reads and digests every file of a checkpoint; `advance` hears the bytes read.

    Raises:
        UsageError: a file of it is not here.
    """
    start = inventory.files[0].parent
    files = tuple(_on_disk(Path(relpath(path, start)).as_posix(), path, advance) for path in inventory.files)
    return LockedCheckpoint(checkpoint, files, inventory, SourceLine(NAME, 1, ""))


def _on_disk(name: str, path: Path, advance: Advance = lambda size: None) -> LockedFile:
    """The file, or the one that a git-lfs pointer in its place stands for."""
    pointer = read_pointer(path)
    if pointer:
        return LockedFile(name, *pointer)
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(COPY_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                advance(len(chunk))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="Bring the whole checkpoint here.") from error
    return LockedFile(name, size, digest.hexdigest())


def read_pointer(path: Path) -> tuple[int, str] | None:
    """Size and SHA-256 that a git-lfs pointer stands for; None if the file is none."""
    try:
        with path.open("rb") as file:
            match = _POINTER.fullmatch(file.read(_POINTER_BYTES))
    except OSError:
        return None
    return (int(match[2]), match[1].decode()) if match else None


def lock_text(checkpoints: Sequence[LockedCheckpoint]) -> str:
    """The lock file."""
    return "\n".join(
        [
            "{",
            f'  "schema": {json.dumps(SCHEMA)},',
            '  "checkpoints": [',
            *_joined(map(_checkpoint_lines, checkpoints)),
            "  ]",
            "}",
            "",
        ]
    )


def _joined(blocks: Iterator[list[str]]) -> list[str]:
    """Blocks of lines with commas between them."""
    lines: list[str] = []
    for block in blocks:
        if lines:
            lines[-1] += ","
        lines += block
    return lines


def _checkpoint_lines(item: LockedCheckpoint) -> list[str]:
    files = [
        [f"        {json.dumps({'name': file.name, 'size': file.size, 'sha256': file.sha256})}"] for file in item.files
    ]
    variables = [[f"        {json.dumps(_variable(entry))}"] for entry in item.inventory.entries.values()]
    objects = item.inventory.objects
    encoded = base64.b64encode(encode_objects(objects)).decode() if objects else ""
    return [
        "    {",
        f'      "checkpoint": {json.dumps(item.checkpoint)},',
        f'      "format": {json.dumps(item.inventory.format)},',
        f'      "family": {json.dumps(item.inventory.family.value)},',
        '      "files": [',
        *_joined(iter(files)),
        "      ],",
        *([f'      "objects": "{encoded}",'] if encoded else []),
        '      "variables": [',
        *_joined(iter(variables)),
        "      ]",
        "    }",
    ]


def _variable(entry: Entry) -> dict[str, Any]:
    data: dict[str, Any] = {"key": entry.key, "dtype": entry.spec.dtype.name, "shape": list(entry.spec.shape)}
    if entry.slices:
        data["slices"] = [[list(item.starts), list(item.lengths)] for item in entry.slices]
    return data | {name: getattr(entry, name) for name in _OPTIONAL if getattr(entry, name)}


def read_lock(path: Path) -> Lock:
    """A lock file.

    Raises:
        UsageError: it is missing, or no lock.
    """
    try:
        if path.stat().st_size > MAX_LOCK:
            raise ValueError(f"{path.stat().st_size:,} bytes, more than {MAX_LOCK:,}")
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="Write it: ckptdoctor lock") from error
    places = {
        line.strip().rstrip(","): SourceLine(str(path), number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
    }
    try:
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise UsageError(
                f"{path} is {data['schema']!r}, expected {SCHEMA!r}", hint="Write it anew: ckptdoctor lock"
            )
        found = tuple(_read_checkpoint(item, path, places) for item in data["checkpoints"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError, FormatError) as error:
        what = f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{path} is damaged: {what}", hint="Take it from version control, or write it anew: ckptdoctor lock"
        ) from error
    return Lock(path, found)


def _read_checkpoint(data: Mapping[str, Any], path: Path, places: Mapping[str, SourceLine]) -> LockedCheckpoint:
    name = data["checkpoint"]
    files = tuple(_read_file(item) for item in data["files"])
    entries = {entry.key: entry for entry in map(_read_variable, data["variables"])}
    objects = decode_objects(base64.b64decode(data["objects"], validate=True)) if "objects" in data else None
    directory = Path(name) if Path(name).is_dir() else Path(name).parent
    inventory = Inventory(
        name,
        data["format"],
        Family(data["family"]),
        tuple(directory / file.name for file in files),
        entries,
        objects=objects,
    )
    place = places.get(f'"checkpoint": {json.dumps(name)}', SourceLine(str(path), 1, ""))
    return LockedCheckpoint(name, files, inventory, place)


def _read_file(data: Mapping[str, Any]) -> LockedFile:
    file = LockedFile(str(data["name"]), _natural(data["size"]), str(data["sha256"]))
    if leads_out(file.name) or "\0" in file.name or not 0 < len(file.name.encode("utf-8", "replace")) <= _LONGEST_NAME:
        # It would be read, and told about: nothing but the checkpoint's own files may be.
        raise ValueError(f"{file.name!r} is no file beside the checkpoint")
    return file


def _read_variable(data: Mapping[str, Any]) -> Entry:
    spec = TensorSpec(dtype_from_name(data["dtype"]), tuple(map(_natural, data["shape"])))
    if spec.elements > MAX_ELEMENTS:
        raise ValueError(f"{data['key']!r} has {spec.elements} elements")
    slices = tuple(
        TensorSlice(tuple(map(_natural, starts)), tuple(map(int, lengths)))
        for starts, lengths in data.get("slices", ())
    )
    return Entry(str(data["key"]), spec, slices, **{name: str(data[name]) for name in _OPTIONAL if name in data})


def _natural(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is no size")
    return value


def differences(locked: LockedCheckpoint, found: Inventory | None) -> list[str]:
    """How the checkpoint on disk differs from the locked one, as a diff; empty if it is the locked one, or absent.

    Args:
        locked: what the lock says.
        found: what was opened; None if it is absent, or a git-lfs pointer stands for it.

    A pointer counts as the file that it stands for, and the lock stands for a file that is absent.
    """
    lines = []
    for file, path in zip(locked.files, locked.inventory.files, strict=True):
        if path.is_file() and (other := _on_disk(file.name, path)) != file:
            lines += [f"-{file}", f"+{other}"]
    known = {path.resolve() for path in locked.inventory.files}
    new = [path for path in found.files if path.resolve() not in known and path.exists()] if found else []
    if new:
        lines += [
            f"-{file}" for file, path in zip(locked.files, locked.inventory.files, strict=True) if not path.exists()
        ]
        lines += [f"+{path.name} {path.stat().st_size:,} bytes" for path in new]
    if not lines or not found:
        return lines
    old, now = (
        list(map(_variable_line, entries.values())) for entries in (locked.inventory.variables, found.variables)
    )
    changed = list(unified_diff(old, now, n=0, lineterm=""))[2:]
    return lines + (changed or ["(the same variables and shapes: values differ, or how they are stored)"])


def _variable_line(entry: Entry) -> str:
    return f"{entry.key} {entry.spec.dtype} {show_shape(entry.spec.shape)}"
