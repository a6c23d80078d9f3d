"""Keras 3's `.keras`: a zip archive of the model's configuration and its weights.

    archive := metadata.json, config.json, model.weights.h5 (or model.weights.npz), assets/…

The configuration is read as text at most: no layer is built and no Lambda is run.

Source: Keras, keras/src/saving/saving_lib.py, `_save_model_to_fileobj`.
"""

from __future__ import annotations

import json
from pathlib import Path

from ckptdoctor.binary.zip_archive import ZipArchive
from ckptdoctor.errors import Corrupt, FormatError, NotACheckpoint
from ckptdoctor.formats.keras_h5 import open_keras_h5
from ckptdoctor.formats.mapped_tensors import MappedTensors

_WEIGHTS = "model.weights.h5"
_MOST_METADATA = 1 << 20


def is_keras_archive(archive: ZipArchive) -> bool:
    """Whether an archive has what Keras 3 puts in."""
    return "config.json" in archive.members and any(name.startswith("model.weights") for name in archive.members)


def open_keras_archive(path: Path, archive: ZipArchive) -> MappedTensors:
    """Opens the weights of a `.keras` archive.

    Raises:
        FormatError: the archive or the weights are damaged, or the weights are kept in a way that is not read.
    """
    member = archive.members.get(_WEIGHTS)
    if member is None:
        others = ", ".join(name for name in archive.members if name.startswith("model.weights"))
        raise FormatError(
            path, "weights", f"they are in {others}", expected=_WEIGHTS, hint="Save the model again with Keras."
        )
    version = ""
    if "metadata.json" in archive.members:
        try:
            metadata = json.loads(archive.read("metadata.json", _MOST_METADATA))
            version = str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""
        except (ValueError, RecursionError) as error:
            raise Corrupt(path, "metadata.json", f"is no JSON: {error}") from error
    base = member.extent.offset if member.extent else None
    return open_keras_h5(path, archive.open(_WEIGHTS), base, kind=f"Keras {version or '3'} model (.keras)")


def refuse(path: Path, archive: ZipArchive) -> NotACheckpoint:
    """What a zip archive is that holds no tensors in a form that is read."""
    if any(name.endswith("data.pkl") for name in archive.members):
        what, hint = (
            "a PyTorch file, which is a pickle",
            "Pickles run code when loaded. Save it as safetensors with PyTorch.",
        )
    elif any(name.endswith(("saved_model.pb", ".index")) for name in archive.members):
        what, hint = "a zip archive with a checkpoint in it", f"Unpack it first: unzip {path}"
    else:
        what, hint = "a zip archive without weights", "Name a checkpoint, .keras, .npz or .safetensors file."
    return NotACheckpoint(path, "file", f"this is {what}", hint=hint)
