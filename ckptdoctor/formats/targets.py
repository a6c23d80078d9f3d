"""The formats that can be written, and which one an output's name asks for."""

from __future__ import annotations

from pathlib import Path

from ckptdoctor.errors import UsageError
from ckptdoctor.formats.keras_h5 import KerasH5Writer
from ckptdoctor.formats.keras_v3 import KerasModelWriter, KerasWeightsWriter
from ckptdoctor.formats.npz import NpzWriter
from ckptdoctor.formats.safetensors import SafetensorsWriter
from ckptdoctor.formats.target import Layout, Specs, TargetWriter
from ckptdoctor.formats.tensor_bundle.writer import BundleWriter
from ckptdoctor.io.atomic_output import AtomicOutput

TENSOR_BUNDLE = "tensor-bundle"
SUFFIXES = {
    ".npz": "npz",
    ".safetensors": "safetensors",
    ".h5": "keras-h5",
    ".hdf5": "keras-h5",
    ".keras": "keras-model",
}
BY_POSITION = ("keras-h5", "keras-weights", "keras-model")
"""The formats whose reader goes by the order of a model's weights; the others have their tensors by key."""
KERAS_3 = ("keras-weights", "keras-model")
"""The formats that have a tensor where Keras 3's own traversal puts it."""
TARGETS = (TENSOR_BUNDLE, "keras-weights", "keras-h5", "keras-model", "npz", "safetensors")
SHARDED = (TENSOR_BUNDLE, "keras-weights", "safetensors")
"""The formats that may be several files."""


def target_of(output: str, wanted: str = "") -> str:
    """The format to write: the one that is asked for, else the one of the name, else a tensor bundle.

    Raises:
        UsageError: what is asked for cannot be written.
    """
    if wanted and wanted not in TARGETS:
        raise UsageError(f"--to {wanted} cannot be written", hint="Formats: " + ", ".join(TARGETS))
    if not wanted and output.endswith((".weights.h5", ".weights.json")):
        return "keras-weights"
    if not wanted and output.endswith(".safetensors.index.json"):
        return "safetensors"
    return wanted or SUFFIXES.get(Path(output).suffix.lower(), TENSOR_BUNDLE)


def make_writer(target: str, destination: str, output: AtomicOutput, specs: Specs, layout: Layout) -> TargetWriter:
    """A writer of a format.

    Args:
        target: the format.
        destination: the file, or the prefix.
        output: the files to be.
        specs: the tensors to come, in order.
        layout: what the format must know beside them.

    Raises:
        UsageError: the format cannot hold one of the tensors, or is one file only.
    """
    if layout.max_shard_size and target not in SHARDED:
        raise UsageError(f"{target} is one file", hint="--max-shard-size is for " + ", ".join(SHARDED))
    if target == "npz":
        return NpzWriter(destination, output, specs)
    if target == "safetensors":
        return SafetensorsWriter(destination, output, specs, layout.max_shard_size)
    if target == "keras-weights":
        return KerasWeightsWriter(destination, output, specs, layout)
    if target == "keras-model":
        return KerasModelWriter(destination, output, specs, layout)
    if target == "keras-h5":
        return KerasH5Writer(destination, output, specs)
    return BundleWriter(destination, output, specs, layout.max_shard_size)
