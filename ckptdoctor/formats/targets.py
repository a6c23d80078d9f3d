"""The formats that can be written, and which one an output's name asks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ckptdoctor.binary.atomic_output import AtomicOutput
from ckptdoctor.errors import UsageError
from ckptdoctor.formats.keras_h5 import KerasH5Writer
from ckptdoctor.formats.keras_v3 import KerasWeightsWriter
from ckptdoctor.formats.npz import NpzWriter
from ckptdoctor.formats.safetensors import SafetensorsWriter
from ckptdoctor.formats.target import Specs, TargetWriter
from ckptdoctor.formats.tensor_bundle.writer import BundleWriter

TENSOR_BUNDLE = "tensor-bundle"
SUFFIXES = {".npz": "npz", ".safetensors": "safetensors", ".h5": "keras-h5", ".hdf5": "keras-h5"}
BY_POSITION = ("keras-h5", "keras-weights")
"""The formats whose reader goes by the order of a model's weights; the others have their tensors by key."""
TARGETS = (TENSOR_BUNDLE, "keras-weights", "keras-h5", "npz", "safetensors")


def target_of(output: str, wanted: str = "") -> str:
    """The format to write: the one that is asked for, else the one of the name, else a tensor bundle.

    Raises:
        UsageError: what is asked for cannot be written.
    """
    if wanted and wanted not in TARGETS:
        raise UsageError(f"--to {wanted} cannot be written", hint="Formats: " + ", ".join(TARGETS))
    if not wanted and output.endswith(".keras"):
        raise UsageError(
            f"{output}: a whole model is not written, only weights",
            hint="Write a .weights.h5 file, and load it into the model: model.load_weights(...)",
        )
    if not wanted and output.endswith(".weights.h5"):
        return "keras-weights"
    return wanted or SUFFIXES.get(Path(output).suffix.lower(), TENSOR_BUNDLE)


def make_writer(
    target: str, destination: str, output: AtomicOutput, specs: Specs, places: Mapping[str, str]
) -> TargetWriter:
    """A writer of a format.

    Args:
        target: the format.
        destination: the file, or the prefix.
        output: the files to be.
        specs: the tensors to come, in order.
        places: key → where Keras 3 keeps it; only its own format needs them.

    Raises:
        UsageError: the format cannot hold one of the tensors.
    """
    if target == "npz":
        return NpzWriter(destination, output, specs)
    if target == "safetensors":
        return SafetensorsWriter(destination, output, specs)
    if target == "keras-weights":
        return KerasWeightsWriter(destination, output, specs, places)
    if target == "keras-h5":
        return KerasH5Writer(destination, output, specs)
    return BundleWriter(destination, output)
