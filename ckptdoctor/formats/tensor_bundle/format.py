"""The tensor bundle's record."""

from __future__ import annotations

from ckptdoctor.formats.format import Format
from ckptdoctor.formats.tensor_bundle.reader import FORMAT, TARGET, TensorBundle
from ckptdoctor.formats.tensor_bundle.reindex import BundleData
from ckptdoctor.formats.tensor_bundle.writer import BundleWriter
from ckptdoctor.specs.inventory import Family

TENSOR_BUNDLE = Format(
    FORMAT,
    # A V1 file is the same table; TensorFlow goes by the name here.
    lambda probe: probe.is_table and probe.path.name.endswith(".index"),
    Family.TENSORFLOW,
    lambda probe: TensorBundle(probe.source, probe.notes, probe.store),
    target=TARGET,
    write=lambda destination, output, tensors, options: BundleWriter(
        destination, output, tensors, options.max_shard_size
    ),
    sharded=True,
    strings=True,
    slices=True,
    data_files=lambda checkpoint: BundleData(checkpoint) if isinstance(checkpoint, TensorBundle) else None,
    checksums=True,
)
"""Recognised by its index; the source names the prefix."""
