"""Every format, listed by hand: a new one is a module with its record, and a line here."""

from __future__ import annotations

from ckptdoctor.errors import NotACheckpoint, UsageError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.foreign import FOREIGN
from ckptdoctor.formats.format import Format, Probe
from ckptdoctor.formats.gguf import GGUF
from ckptdoctor.formats.graph_def import FROZEN_GRAPH
from ckptdoctor.formats.keras_h5 import KERAS_H5
from ckptdoctor.formats.keras_v3 import KERAS_MODEL, KERAS_WEIGHTS
from ckptdoctor.formats.npy import NPY
from ckptdoctor.formats.npz import NPZ
from ckptdoctor.formats.safetensors import SAFETENSORS
from ckptdoctor.formats.target import TargetOptions, Tensors, Writer, refuse_strings
from ckptdoctor.formats.tensor_bundle.format import TENSOR_BUNDLE
from ckptdoctor.formats.tf_v1 import TF_V1
from ckptdoctor.io.atomic_output import AtomicOutput

FORMATS: tuple[Format, ...] = (
    TENSOR_BUNDLE,
    TF_V1,
    KERAS_WEIGHTS,
    KERAS_H5,
    KERAS_MODEL,
    NPZ,
    NPY,
    SAFETENSORS,
    FROZEN_GRAPH,
    GGUF,
    *FOREIGN,
)
"""In the order in which a file is tried for them."""

WRITTEN = {record.target: record for record in FORMATS if record.target}
"""The formats that can be written, by what `--to` calls them."""


def open_file(probe: Probe) -> Checkpoint:
    """Opens a file of whichever format it is.

    Raises:
        NotACheckpoint: it is of none that is opened.
        FormatError: it is of one, and damaged.
    """
    for record in FORMATS:
        if record.open and record.recognise(probe) and (checkpoint := record.open(probe)) is not None:
            return checkpoint
    raise refusal(probe)


def refusal(probe: Probe) -> NotACheckpoint:
    """What a file is that is no checkpoint, and what to do about it."""
    known = next(record for record in FORMATS if record.refusal and record.recognise(probe))
    return NotACheckpoint(probe.path, "file", f"this is {known.name}", hint=known.refusal)


def target_of(output: str, asked: str = "") -> Format:
    """The format to write: the one that is asked for, else the one of the name, else a tensor bundle.

    Raises:
        UsageError: what is asked for cannot be written.
    """
    if asked:
        if asked not in WRITTEN:
            raise UsageError(f"--to {asked} cannot be written", hint="Formats: " + ", ".join(WRITTEN))
        return WRITTEN[asked]
    endings = {ending: record for record in WRITTEN.values() for ending in record.endings}
    fitting = [ending for ending in endings if output.lower().endswith(ending)]
    return endings[max(fitting, key=len)] if fitting else TENSOR_BUNDLE


def make_writer(
    target: Format, destination: str, output: AtomicOutput, tensors: Tensors, options: TargetOptions
) -> Writer:
    """A writer of a format.

    Args:
        target: the format.
        destination: the file, or the prefix.
        output: the files to be.
        tensors: the tensors to come, in order.
        options: what the format must know beside the tensors.

    Raises:
        UsageError: the format cannot hold one of the tensors, or is one file only.
    """
    if options.max_shard_size and not target.sharded:
        several = [record.target for record in WRITTEN.values() if record.sharded]
        raise UsageError(f"{target.target} is one file", hint="--max-shard-size is for " + ", ".join(several))
    strings = [key for key, tensor in tensors.items() if tensor.spec.dtype.name == "string"]
    if strings and not target.strings:
        raise refuse_strings(strings[0], target.name)
    for key in tensors:
        if problem := target.key_problem(key):
            raise UsageError(f"{key!r} is no key for {target.name}: {problem}", hint="Give the tensor another key.")
    if target.write is None:
        raise UsageError(f"{target.name} cannot be written", hint="Formats: " + ", ".join(WRITTEN))
    return target.write(destination, output, tensors, options)
