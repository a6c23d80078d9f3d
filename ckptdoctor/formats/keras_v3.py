"""Keras 3's `.keras`, a zip archive of the model's configuration and its weights; weights alone, in one file or several.

    archive := metadata.json, config.json, model.weights.h5 (or model.weights.npz), assets/…
    sharded := {"metadata": {…}, "weight_map": {"/layers/dense/vars": FILE or [FILE …], …}}; the files beside it

The configuration is read as text at most: no layer is built and no Lambda is run.

Source: Keras, keras/src/saving/saving_lib.py, `_save_model_to_fileobj`, `ShardedH5IOStore`.
"""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from ckptdoctor.containers.hdf5 import Hdf5
from ckptdoctor.containers.weight_map import read_weight_map
from ckptdoctor.containers.zip_archive import ZipArchive
from ckptdoctor.errors import Corrupt, FormatError, UsageError
from ckptdoctor.formats.format import Format, Probe
from ckptdoctor.formats.hdf5 import PlacedWriter
from ckptdoctor.formats.keras_h5 import groups_of_variables, named_entries, open_keras_h5
from ckptdoctor.formats.mapped_tensors import MappedTensors
from ckptdoctor.formats.target import TargetOptions, Tensors, refuse_strings, split
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.limits import COPY_CHUNK, MAX_JSON_HEADER
from ckptdoctor.specs.inventory import Family, Inventory

_WEIGHTS = "model.weights.h5"
_MOST_METADATA = 1 << 20
_SHARDED = re.compile(rb'^\s*\{.*"weight_map"\s*:\s*\{.*?\.weights\.h5"', re.DOTALL)


def _is_keras_archive(probe: Probe) -> bool:
    """Whether it is an archive with what Keras 3 puts in."""
    members = probe.archive.members if probe.archive else ()
    return "config.json" in members and any(name.startswith("model.weights") for name in members)


def open_keras_archive(probe: Probe, archive: ZipArchive) -> MappedTensors:
    """Opens the weights of a `.keras` archive.

    Raises:
        FormatError: the archive or the weights are damaged, or the weights are kept in a way that is not read.
    """
    path, member = archive.path, archive.members.get(_WEIGHTS)
    if member is None:
        others = ", ".join(name for name in archive.members if name.startswith("model.weights"))
        pickled = " (arrays of Python objects: pickles, which Keras itself does not load)" if ".npz" in others else ""
        raise FormatError(
            path,
            "weights",
            f"they are in {others}{pickled}",
            expected=_WEIGHTS,
            hint="Save the model again with Keras, without weights_format.",
        )
    version = ""
    if "metadata.json" in archive.members:
        try:
            metadata = json.loads(archive.read("metadata.json", _MOST_METADATA))
            version = str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""
        except (ValueError, RecursionError) as error:
            raise Corrupt(path, "metadata.json", f"is no JSON: {error}", hint="Save the model again.") from error
    base = member.extent.offset if member.extent else None
    config = archive.read("config.json", MAX_JSON_HEADER).decode("utf-8", "replace")
    kind = f"Keras {version or '3'} model (.keras)"
    return open_keras_h5(probe, archive.open(_WEIGHTS), base, kind, archive.damaged, config)


class KerasWeightsWriter(PlacedWriter):
    """Writes Keras 3's weights: a `.weights.h5` file, or several with a `.weights.json` that lists them.

    Args:
        destination: the file.
        output: the files to be.
        tensors: the tensors to come.
        options: where Keras keeps each of them.

    Raises:
        UsageError: it is not known where a tensor goes, or HDF5 lacks its type.
    """

    def __init__(self, destination: str, output: AtomicOutput, tensors: Tensors, options: TargetOptions) -> None:
        super().__init__()
        _require_places(tensors, options.places)
        shards = split(tensors, options.max_shard_size)
        if not destination.endswith(".json") and not options.max_shard_size:
            stream = output.create(Path(destination))
            _lay_out(self, stream, tensors, options)
            return
        # Source: Keras 3, keras/src/saving/saving_lib.py, `ShardedH5IOStore`, for the names and the list.
        index = Path(destination).with_name(_base_name(destination) + ".weights.json")
        files: dict[str, list[str]] = {}
        for number, keys in enumerate(shards):
            name = f"{_base_name(destination)}_{number:05}.weights.h5"
            for key in keys:
                listed = files.setdefault("/" + options.places[key].rpartition("/")[0], [])
                listed += [] if name in listed else [name]
            stream = output.create(index.with_name(name))
            _lay_out(self, stream, {key: tensors[key] for key in keys}, options)
        weight_map = {path: names[0] if len(names) == 1 else names for path, names in files.items()}
        total = sum(tensor.spec.nbytes for tensor in tensors.values())
        text = json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=4)
        output.create(index).write(text.encode())


class KerasModelWriter(PlacedWriter):
    """Writes a `.keras` archive: a model's configuration, and its weights.

    Args:
        destination: the file.
        output: the files to be.
        tensors: the tensors to come.
        options: where Keras keeps each of them, and the model's configuration.

    Raises:
        UsageError: the configuration or a place is not known, or HDF5 lacks a type.
    """

    def __init__(self, destination: str, output: AtomicOutput, tensors: Tensors, options: TargetOptions) -> None:
        super().__init__()
        if not options.config:
            raise UsageError(
                f"{destination}: a .keras file holds a model, and none is given",
                hint="Name the Keras 3 model: --graph model.py. Or write its weights only: .weights.h5",
            )
        _require_places(tensors, options.places)
        self._options = options
        self._archive = output.create(Path(destination))
        # The weights are laid out in a file of their own: the archive needs their checksum before them.
        self._weights = output.scratch(Path(destination))
        _lay_out(self, self._weights, tensors, options)

    def finish(self, checksums: Sequence[int]) -> None:
        """Puts the archive together."""
        with zipfile.ZipFile(self._archive, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            saved = datetime.now(timezone.utc).strftime("%Y-%m-%d@%H:%M:%S")
            metadata = {"keras_version": self._options.keras_version, "date_saved": saved}
            archive.writestr("metadata.json", json.dumps(metadata))
            archive.writestr("config.json", self._options.config)
            self._weights.seek(0)
            with archive.open(_WEIGHTS, "w", force_zip64=True) as member:
                shutil.copyfileobj(self._weights, member, COPY_CHUNK)


def _base_name(destination: str) -> str:
    """The name in front of `_00000.weights.h5`."""
    name = Path(destination).name
    for suffix in (".json", ".h5", ".weights"):
        name = name.removesuffix(suffix)
    return name


def _require_places(tensors: Tensors, places: Mapping[str, str]) -> None:
    for key, tensor in tensors.items():
        if not places.get(key):
            raise UsageError(
                f"it is not known where Keras keeps {key}",
                hint="Name the Keras 3 model that is to load it: --graph model.py",
            )
        if not tensor.spec.dtype.itemsize:
            raise refuse_strings(key, "Keras's HDF5")


def _lay_out(writer: PlacedWriter, stream: BinaryIO, tensors: Tensors, options: TargetOptions) -> None:
    """Lets the library make the file; the bytes are put in their places afterwards, without going through it."""
    import h5py

    names = {group.path: group.name for group in options.layers}
    with h5py.File(stream.name, "w") as file:
        file.create_group("vars")  # Keras 2 looks for the model's own variables even where it has none
        for key, tensor in tensors.items():
            group, _, number = options.places[key].rpartition("/")
            owner = file.require_group(group)
            owner.attrs["name"] = names.get(group) or key.rpartition("/")[0].rpartition("/")[2]
            writer.place(key, owner, number, tensor.spec, Path(stream.name))
            if tensor.spec.dtype.name == "bfloat16":
                owner[number].attrs["dtype"] = "bfloat16"


def open_sharded_weights(probe: Probe) -> MappedTensors:
    """Opens what a `.weights.json` lists.

    Raises:
        MissingData: a shard is not there.
        FormatError: the list or a shard is damaged.
    """
    path, store = probe.path, probe.store
    weight_map = read_weight_map(path, store)
    files = [Hdf5(store.open(file)) for file in weight_map.files]
    entries = named_entries(files)
    promised = [key for key in weight_map.names if not any(f"/{entry}".startswith(f"{key}/") for entry in entries)]
    if promised:
        raise Corrupt(path, "weight_map", f"no shard holds {promised[0]!r}", hint="Copy the shards of one save.")
    kind = "Keras 3 weights (HDF5, sharded)"
    inventory = Inventory(
        str(path),
        kind,
        Family.KERAS,
        (path, *weight_map.files),
        dict(sorted(entries.items())),
        groups=groups_of_variables(files),
    )
    extents = {key: extent for file in files for key, extent in file.extents.items()}
    loads = {key: load for file in files for key, load in file.loads.items()}
    return MappedTensors(inventory, extents, loads, store=store)


KERAS_WEIGHTS = Format(
    "Keras 3 weights (HDF5)",
    lambda probe: _SHARDED.match(probe.head) is not None,
    Family.KERAS,
    open_sharded_weights,
    target="keras-weights",
    write=KerasWeightsWriter,
    endings=(".weights.h5", ".weights.json"),
    sharded=True,
    by_position=True,
    keras_places=True,
)
"""Recognised by the list of several files; one alone is HDF5, which `keras_h5` reads."""

KERAS_MODEL = Format(
    "Keras 3 model (.keras)",
    _is_keras_archive,
    Family.KERAS,
    lambda probe: open_keras_archive(probe, probe.archive) if probe.archive else None,
    target="keras-model",
    write=KerasModelWriter,
    endings=(".keras",),
    by_position=True,
    keras_places=True,
    checksums=True,
)
