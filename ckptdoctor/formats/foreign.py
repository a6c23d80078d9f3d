"""Files that are no checkpoints and are often named as one: what each is, and what to do about it."""

from __future__ import annotations

from ckptdoctor.formats.format import Format, Probe, starts_with
from ckptdoctor.limits import MAX_JSON_HEADER

_LOOKED_AT = 1024
_HTML = (b"<!doctype html", b"<html", b"<?xml", b"<head")


def _is_text(probe: Probe) -> bool:
    try:
        probe.head[:_LOOKED_AT].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_cut_safetensors(probe: Probe) -> bool:
    """Whether a file begins with the size of a JSON header that goes on behind the file's end."""
    size = int.from_bytes(probe.head[:8], "little")
    return probe.head[8:9] == b"{" and probe.file.size - 8 < size <= MAX_JSON_HEADER


def _holds(probe: Probe, *endings: str) -> bool:
    """Whether it is a zip archive with a member whose name ends so."""
    return probe.archive is not None and any(name.endswith(endings) for name in probe.archive.members)


FOREIGN = (
    Format(
        "an empty file",
        lambda probe: not probe.file.size,
        refusal="The copy or the download stopped before its first byte: fetch it again.",
    ),
    Format(
        "a git-lfs pointer, not the file itself",
        starts_with(b"version https://git-lfs"),
        refusal="Run `git lfs pull` in the repository it came from.",
    ),
    Format("a gzip archive", starts_with(b"\x1f\x8b"), refusal="Unpack it first: tar xzf FILE (or gunzip FILE)."),
    Format(
        "a Python pickle (older PyTorch)",
        starts_with(b"\x80\x02"),
        refusal="Pickles run code when loaded; ckptdoctor never opens one.",
    ),
    Format(
        "a Python pickle",
        starts_with(b"\x80\x04"),
        refusal="Pickles run code when loaded; ckptdoctor never opens one.",
    ),
    Format("a NumPy .npy file", starts_with(b"\x93NUMPY"), refusal="It holds one array and no names."),
    Format(
        "a PyTorch file, which is a pickle",
        lambda probe: _holds(probe, "data.pkl"),
        refusal="Pickles run code when loaded. Save it as safetensors with PyTorch.",
    ),
    Format(
        "a zip archive with a checkpoint in it",
        lambda probe: _holds(probe, "saved_model.pb", ".index"),
        refusal="Unpack it first: unzip FILE.",
    ),
    Format(
        "a zip archive without weights",
        lambda probe: probe.archive is not None,
        refusal="Name a checkpoint, .keras, .npz or .safetensors file.",
    ),
    Format(
        "a web page",
        lambda probe: probe.head[:_LOOKED_AT].lstrip().lower().startswith(_HTML),
        refusal="The download saved a page instead of the file: use the direct link.",
    ),
    Format(
        "a checkpoint state file",
        lambda probe: b"model_checkpoint_path" in probe.head[:_LOOKED_AT],
        refusal="Name its directory, or the prefix that it points to.",
    ),
    Format(
        "zeros",
        lambda probe: not any(probe.head[:64].strip(b"\0")),
        refusal="The file was reserved but never written (a full disk?): fetch it again.",
    ),
    Format(
        "a graph, which holds no values",
        lambda probe: probe.path.suffix in (".pb", ".meta", ".pbtxt"),
        refusal="Name the checkpoint that lies beside it.",
    ),
    Format(
        "the beginning of a safetensors file",
        _is_cut_safetensors,
        refusal="The copy or the download stopped within its header: fetch it again.",
    ),
    Format("a text file", _is_text, refusal="Name a prefix such as model.ckpt, its .index, or a V1 file."),
    Format(
        "a binary file without a table's end",
        lambda probe: True,
        refusal="It may be truncated: compare its size with the original's.",
    ),
)
"""In the order in which they are looked for; the last is any file."""
