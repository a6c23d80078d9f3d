"""Keras's HDF5 files: weights of Keras 1 and 2, whole models, and Keras 3's `.weights.h5`.

    Keras 1, 2  := LAYER/WEIGHT_NAME … at the root (weights) or below model_weights (a model); optimizer_weights/…
                   the root or model_weights has layer_names, each layer weight_names
    Keras 3     := layers/LAYER/…/vars/N; optimizer/vars/N; vars has the layer's own name

Sources: Keras, keras/src/legacy/saving/legacy_h5_format.py, `save_weights_to_hdf5_group`; keras/src/saving/saving_lib.py,
`H5IOStore`; keras/src/layers/layer.py, `save_own_variables` (the order of N: trained variables first).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from ckptdoctor.containers.hdf5 import MAGIC, Hdf5
from ckptdoctor.errors import FormatError, UsageError
from ckptdoctor.formats.format import Format, Probe, no_text, starts_with
from ckptdoctor.formats.hdf5 import PlacedWriter
from ckptdoctor.formats.mapped_tensors import MappedTensors
from ckptdoctor.formats.target import TargetOptions, Tensors
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.specs.inventory import TOP_LEVEL_WEIGHTS, Entry, Family, Inventory, StoredGroup

_VARS = re.compile(r"(?P<layer>.*?)/?vars/(?P<number>\d+)")
_LEGACY = re.compile(r"(?:model_weights/)?(?P<layer>[^/]+)/(?P<name>.+?)(?::\d+)?")

LEGACY_VERSION = "2.15.0"
"""Of a file of which it is not known: Keras rearranges the weights of those that say none, as Keras 1 wrote them."""

_MOST_IN_ATTRIBUTE = 64512
"""Bytes (keras/src/legacy/saving/legacy_h5_format.py, `HDF5_OBJECT_HEADER_LIMIT`)."""

# A layer's variables in the order in which Keras 3 numbers them, by how many there are and their ranks.
_ROLES: dict[tuple[int, ...], tuple[str, ...]] = {
    (2, 1): ("kernel", "bias"),
    (3, 1): ("kernel", "bias"),
    (4, 1): ("kernel", "bias"),
    (5, 1): ("kernel", "bias"),
    (3,): ("kernel",),
    (4,): ("kernel",),
    (5,): ("kernel",),
    (1, 1, 1, 1): ("gamma", "beta", "moving_mean", "moving_variance"),
    (1, 1): ("gamma", "beta"),
    (2, 2, 1): ("kernel", "recurrent_kernel", "bias"),
    (2, 2, 2): ("kernel", "recurrent_kernel", "bias"),
    (4, 4, 1): ("depthwise_kernel", "pointwise_kernel", "bias"),
}


def open_keras_h5(
    probe: Probe,
    source: BinaryIO | None = None,
    base: int | None = 0,
    kind: str = "",
    checks: Callable[[], list[FormatError]] = list,
    config: str = "",
) -> MappedTensors:
    """Opens an HDF5 file of Keras, or another one, and says which.

    Args:
        probe: the file, or the archive it is in.
        source: the unpacked member of the archive.
        base: where the member's bytes begin in the archive; None if they are packed.
        kind: the format's name, where the archive tells it.
        checks: what compares the archive's checksums.
        config: the model's configuration, where the archive has it.

    Raises:
        MissingPackage: h5py is not installed.
        FormatError: the file is damaged, or has something that is not opened.
    """
    path, file = probe.path, Hdf5(probe.file, source, base)
    own_kind, entries = _named(file)
    foreign = f"{path.name} is HDF5, but not Keras's: its datasets are listed under their paths."
    notes = _kernel_notes(file) if own_kind else (foreign,)
    text = file.attributes.get("", {}).get("model_config", config)
    config = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text or "")
    # Keras 1 and 2 go by the order of the layers, which is recorded beside them.
    groups = _recorded_groups(file)
    listed = {key: entries[key] for group in groups for key in group.keys if key in entries}
    ordered = listed | {key: entry for key, entry in sorted(entries.items()) if key not in listed}
    family = Family.KERAS if kind or own_kind else Family.ARRAYS
    inventory = Inventory(
        str(path),
        kind or own_kind or "HDF5",
        family,
        (path,),
        ordered,
        notes,
        config=config,
        groups=groups or groups_of_variables([file]),
        keras_version=_version(file),
    )
    return MappedTensors(inventory, file.extents, file.loads, checks, probe.store)


def _kernel_notes(file: Hdf5) -> tuple[str, ...]:
    """What a file declares of its kernels that TensorFlow has otherwise.

    Source: Keras 2, keras/saving/legacy/hdf5_format.py, `preprocess_weights_for_loading`: `backend`; Keras 1's
    configurations say `dim_ordering`.
    """
    top = {**file.attributes.get("model_weights", {}), **file.attributes.get("", {})}
    backend, config = top.get("backend"), top.get("model_config")
    text = config if isinstance(config, bytes) else str(config or "").encode("utf-8", "replace")
    if b'"dim_ordering": "th"' in text:
        what, convention = "its kernels are ordered as Theano's (dim_ordering th)", "theano"
    elif backend in (b"theano", "theano"):
        what, convention = "Theano wrote it, which reverses a kernel's spatial axes", "keras-theano"
    else:
        return ()
    return (f"{what}: ckptdoctor convert … --kernels {convention}:tensorflow puts them right.",)


def _named(file: Hdf5) -> tuple[str, dict[str, Entry]]:
    """Which of Keras's formats it is, and the entries with the names of their variables."""
    if any(_texts(attributes, "layer_names") for attributes in file.attributes.values()):
        whole = not _texts(file.attributes.get("", {}), "layer_names")
        kind = f"Keras {_version(file) or '1'} {'model' if whole else 'weights'} (HDF5)"
        return kind, {key: replace(entry, name=_legacy_name(key)) for key, entry in file.entries.items()}
    if any(_VARS.fullmatch(key) for key in file.entries):
        return "Keras 3 weights (HDF5)", named_entries([file])
    return "", dict(file.entries)


def _version(file: Hdf5) -> str:
    """The version of Keras that is recorded beside the layers."""
    root = file.attributes.get("", {})
    version = root.get("keras_version") or file.attributes.get("model_weights", {}).get("keras_version")
    return version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version or "")


def _recorded_groups(file: Hdf5) -> tuple[StoredGroup, ...]:
    """The layers that `layer_names` records, with the weights of each that `weight_names` records; none in Keras 3's."""
    found = []
    for top in ("", "model_weights"):
        layers = _texts(file.attributes.get(top, {}), "layer_names")
        for layer in [*layers, *([TOP_LEVEL_WEIGHTS] if layers else [])]:
            path = f"{top}/{layer}".lstrip("/")
            if path in file.attributes:
                weights = _texts(file.attributes[path], "weight_names")
                found.append(StoredGroup(path, layer, tuple(f"{path}/{weight}" for weight in weights)))
    return tuple(found)


def groups_of_variables(files: Sequence[Hdf5]) -> tuple[StoredGroup, ...]:
    """The `vars` groups of Keras 3's files, with the names that they record; a layer may be in several files."""
    keys: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for file in files:
        for path, attributes in file.attributes.items():
            if path.rpartition("/")[2] == "vars":
                keys.setdefault(path, [])
                name = attributes.get("name")
                names[path] = name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name or "")
        for key in file.entries:
            if key.rpartition("/")[0] in keys:
                keys[key.rpartition("/")[0]].append(key)
    return tuple(StoredGroup(path, names[path], tuple(sorted(keys[path]))) for path in sorted(keys))


def _texts(attributes: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts, which Keras cuts into `name0`, `name1` … where it is too long for one attribute.

    Source: keras/src/legacy/saving/legacy_h5_format.py, `load_attributes_from_hdf5_group`.
    """
    parts = [attributes[name]] if name in attributes else []
    while name not in attributes and f"{name}{len(parts)}" in attributes:
        parts.append(attributes[f"{name}{len(parts)}"])
    listed = [text for part in parts if hasattr(part, "__iter__") for text in part]
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in listed]


def _legacy_name(key: str) -> str:
    """`conv/kernel` for `model_weights/conv/conv/kernel:0`; empty for what belongs to the optimizer."""
    match = _LEGACY.fullmatch(key)
    if match is None or key.startswith("optimizer_weights/"):
        return ""
    parts = match["name"].split("/")
    return "/".join(parts) if len(parts) > 1 else f"{match['layer']}/{parts[0]}"


def named_entries(files: Sequence[Hdf5]) -> dict[str, Entry]:
    """Entries of Keras 3 with their layers' own names, and their roles where ranks tell them; a layer may be in several
    files."""
    named = {key: entry for file in files for key, entry in file.entries.items()}
    attributes = {group: values for file in files for group, values in file.attributes.items()}
    layers: dict[str, dict[int, str]] = {}
    for key in named:
        if match := _VARS.fullmatch(key):
            layers.setdefault(match["layer"], {})[int(match["number"])] = key
    for layer, keys in layers.items():
        if layer.startswith("optimizer"):
            continue
        ordered = [keys[number] for number in sorted(keys)]
        roles = _ROLES.get(tuple(len(named[key].spec.shape) for key in ordered))
        scope = _own_name(layer, attributes)
        for index, key in enumerate(ordered):
            named[key] = replace(named[key], name=f"{scope}/{roles[index] if roles else index}")
    return named


def _own_name(layer: str, attributes: Mapping[str, Mapping[str, object]]) -> str:
    """The layer's own name, which its `vars` records since Keras 3.9; else its place."""
    name = attributes.get(f"{layer}/vars".lstrip("/"), {}).get("name")
    parts = [part for part in layer.split("/") if part not in ("layers", "_layer_checkpoint_dependencies")]
    if isinstance(name, bytes | str):
        parts[-1:] = [name.decode() if isinstance(name, bytes) else name]
    return "/".join(parts)


class KerasH5Writer(PlacedWriter):
    """Writes weights as Keras 1 and 2 did; Keras 3's `load_weights` takes them from a name that ends in `.h5`.

    Args:
        destination: the file.
        output: the files to be.
        tensors: the tensors to come.
        options: the layers, in the order of the model's, with the keys of their weights in Keras's; the version of Keras.

    Raises:
        UsageError: it is not known in which layer a tensor goes, or HDF5 lacks its type.
    """

    def __init__(self, destination: str, output: AtomicOutput, tensors: Tensors, options: TargetOptions) -> None:
        import h5py

        specs = {key: tensor.spec for key, tensor in tensors.items()}
        foreign = [key for key, spec in specs.items() if spec.dtype.is_extended or not spec.dtype.itemsize]
        if foreign:
            raise UsageError(
                f"{foreign[0]} is {specs[foreign[0]].dtype}, which Keras's HDF5 has not",
                hint="Drop or cast it in a plan.",
            )
        listed = {key for group in options.layers for key in group.keys}
        homeless = [key for key in specs if key not in listed]
        if homeless:
            raise UsageError(
                f"it is not known in which layer {homeless[0]} goes, and Keras loads this file by the layers' order",
                hint="Name the model that is to load it: --graph model.py",
            )
        super().__init__()
        stream = output.create(Path(destination))
        # The library lays the file out; the bytes are put in their places afterwards, without going through it.
        with h5py.File(stream.name, "w") as file:
            names = [group.path for group in options.layers if group.path != TOP_LEVEL_WEIGHTS]
            _set_texts(file, "layer_names", names)
            file.attrs["backend"] = b"tensorflow"
            file.attrs["keras_version"] = (options.keras_version or LEGACY_VERSION).encode()
            for layer in options.layers:
                group = file.require_group(layer.path)
                weights = _weight_names(layer)
                _set_texts(group, "weight_names", list(weights.values()))
                for key, weight in weights.items():
                    self.place(key, group, weight, specs[key], Path(stream.name))


def _weight_names(layer: StoredGroup) -> dict[str, str]:
    """Key → the name of the weight in the layer's group: the key, without the path of a group that it was in before."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for key in layer.keys:
        name = re.sub(r":\d+$", "", key).removeprefix("model_weights/").strip("/")
        if name.startswith(f"{layer.path}/{layer.path}/"):
            name = name.removeprefix(f"{layer.path}/")
        # HDF5 has no dataset below another one.
        while name in used or any(
            f"{other}/".startswith(f"{name}/") or f"{name}/".startswith(f"{other}/") for other in used
        ):
            name += "_"
        used.add(name)
        names[key] = name
    return names


def _set_texts(group: Any, name: str, texts: list[str]) -> None:
    """A list of texts as an attribute, or in parts where it is too long for one.

    Source: keras/src/legacy/saving/legacy_h5_format.py, `save_attributes_to_hdf5_group`.
    """
    import numpy as np

    array = np.array([text.encode() for text in texts]) if texts else np.zeros(0)
    if array.nbytes <= _MOST_IN_ATTRIBUTE:
        group.attrs[name] = array
        return
    size = max(1, _MOST_IN_ATTRIBUTE // array.itemsize)
    for number, start in enumerate(range(0, len(texts), size)):
        group.attrs[f"{name}{number}"] = array[start : start + size]


KERAS_H5 = Format(
    "Keras weights (HDF5)",
    starts_with(MAGIC),
    Family.KERAS,
    open_keras_h5,
    target="keras-h5",
    write=KerasH5Writer,
    endings=(".h5", ".hdf5"),
    by_position=True,
    by_layers=True,
    key_problem=no_text,
)
"""Also what reads HDF5 that is not Keras's, and Keras 3's weights in one file."""
