"""Keras 3's `.keras`, a zip archive of the model's configuration and its weights; and writing `.weights.h5`.

    archive := metadata.json, config.json, model.weights.h5 (or model.weights.npz), assets/…

The configuration is read as text at most: no layer is built and no Lambda is run.

Source: Keras, keras/src/saving/saving_lib.py, `_save_model_to_fileobj`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ckptdoctor.binary.atomic_output import AtomicOutput
from ckptdoctor.binary.zip_archive import ZipArchive
from ckptdoctor.errors import Corrupt, FormatError, NotACheckpoint, UsageError
from ckptdoctor.formats.hdf5 import PlacedWriter
from ckptdoctor.formats.keras_h5 import open_keras_h5
from ckptdoctor.formats.mapped_tensors import MappedTensors
from ckptdoctor.formats.target import Specs, refuse_strings
from ckptdoctor.limits import MAX_JSON_HEADER

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
    config = archive.read("config.json", MAX_JSON_HEADER).decode("utf-8", "replace")
    kind = f"Keras {version or '3'} model (.keras)"
    return open_keras_h5(path, archive.open(_WEIGHTS), base, kind, archive.damaged, config)


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


class KerasWeightsWriter(PlacedWriter):
    """Writes a `.weights.h5` file of Keras 3: each variable where Keras looks for it.

    Args:
        destination: the file.
        output: the files to be.
        specs: the tensors to come.
        places: key → where Keras puts it, such as `layers/dense/vars/0`.

    Raises:
        UsageError: it is not known where a tensor goes, or HDF5 lacks its type.
    """

    def __init__(self, destination: str, output: AtomicOutput, specs: Specs, places: Mapping[str, str]) -> None:
        import h5py

        for key, spec in specs.items():
            if not places.get(key):
                raise UsageError(
                    f"it is not known where Keras keeps {key}",
                    hint="Name the Keras 3 model that is to load it: --graph model.py",
                )
            if not spec.dtype.itemsize:
                raise refuse_strings(key, "Keras's HDF5")
        super().__init__(destination, output)
        # The library lays the file out; the bytes are put in their places afterwards, without going through it.
        with h5py.File(self.stream.name, "w") as file:
            for key, spec in specs.items():
                group, _, number = places[key].rpartition("/")
                owner = file.require_group(group)
                owner.attrs["name"] = key.rpartition("/")[0].rpartition("/")[2]
                self.place(key, owner, number, spec)
                if spec.dtype.name == "bfloat16":
                    owner[number].attrs["dtype"] = "bfloat16"
