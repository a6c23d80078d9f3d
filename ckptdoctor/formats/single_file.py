"""A checkpoint that is one file: its content decides which format it is, never its name."""

from __future__ import annotations

import re
from pathlib import Path

from ckptdoctor.containers.zip_archive import ZipArchive
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.graph_def import open_graph_def
from ckptdoctor.formats.hdf5 import MAGIC as HDF5_MAGIC
from ckptdoctor.formats.keras_h5 import open_keras_h5
from ckptdoctor.formats.keras_v3 import (
    is_keras_archive,
    is_sharded_weights,
    open_keras_archive,
    open_sharded_weights,
    refuse,
)
from ckptdoctor.formats.npz import is_npz, open_npz
from ckptdoctor.formats.safetensors import is_safetensors, open_safetensors, open_sharded

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_HEAD = 4096
_SHARDED = re.compile(rb'^\s*\{.*"weight_map"', re.DOTALL)


def open_single_file(path: Path) -> Checkpoint | None:
    """Opens a file of a format that is told by its first bytes; None if it is of none of these.

    Raises:
        FormatError: it is one of them, and damaged.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(HDF5_MAGIC):
        return open_keras_h5(path)
    if head.startswith(_ZIP):
        archive = ZipArchive(path)
        if is_keras_archive(archive):
            return open_keras_archive(path, archive)
        if is_npz(archive):
            return open_npz(path, archive)
        raise refuse(path, archive)
    if is_safetensors(head, path.stat().st_size):
        return open_safetensors(path)
    if is_sharded_weights(head):
        return open_sharded_weights(path)
    if _SHARDED.match(head):
        return open_sharded(path)
    return open_graph_def(path)
