"""What a file is that is no checkpoint, told by its first bytes."""

from __future__ import annotations

from pathlib import Path

from ckptdoctor.containers.sstable.format import FOOTER_SIZE, has_magic
from ckptdoctor.errors import CHECK, FormatError

_HEAD = 1024

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (
        b"version https://git-lfs",
        "a git-lfs pointer, not the file itself",
        "Run `git lfs pull` in the repository it came from.",
    ),
    (b"\x1f\x8b", "a gzip archive", "Unpack it first: tar xzf FILE (or gunzip FILE)."),
    (b"\x80\x02", "a Python pickle (older PyTorch)", "Pickles run code when loaded; ckptdoctor never opens one."),
    (b"\x80\x04", "a Python pickle", "Pickles run code when loaded; ckptdoctor never opens one."),
    (b"\x93NUMPY", "a NumPy .npy file", "It holds one array and no names."),
)
_HTML = (b"<!doctype html", b"<html", b"<?xml", b"<head")
_SAVED_MODEL = b"\x08\x01\x12"
_STATE = b"model_checkpoint_path"


def is_table(path: Path) -> bool:
    """Whether a file ends as a sorted string table does.

    Raises:
        FormatError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - FOOTER_SIZE))
            return has_magic(file.read(FOOTER_SIZE))
    except OSError as error:
        raise FormatError(path, "file", f"cannot be read: {error.strerror}", hint=CHECK) from error


def is_saved_model(path: Path) -> bool:
    """Whether a file begins as a SavedModel: its schema's version, then a meta graph.

    Source: TensorFlow, tensorflow/core/protobuf/saved_model.proto.
    """
    with path.open("rb") as file:
        return file.read(len(_SAVED_MODEL)) == _SAVED_MODEL


def identify(path: Path) -> tuple[str, str]:
    """What a file that is no checkpoint seems to be, and what to do about it."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return "an empty file", "The copy or the download stopped before its first byte: fetch it again."
    for start, what, hint in _SIGNATURES:
        if head.startswith(start):
            return what, hint
    if head.lstrip().lower().startswith(_HTML):
        return "a web page", "The download saved a page instead of the file: use the direct link."
    if _STATE in head:
        return "a checkpoint state file", "Name its directory, or the prefix that it points to."
    if not any(head[:64].strip(b"\0")):
        return "zeros", "The file was reserved but never written (a full disk?): fetch it again."
    if path.suffix in (".pb", ".meta", ".pbtxt"):
        return "a graph, which holds no values", "Name the checkpoint that lies beside it."
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "a binary file without a table's end", "It may be truncated: compare its size with the original's."
    return "a text file", "Name a prefix such as model.ckpt, its .index, or a V1 file."
