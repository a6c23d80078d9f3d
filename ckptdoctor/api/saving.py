"""Writing arrays, and tensors of opened checkpoints, as a checkpoint of any format that can be written."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ckptdoctor.api.conversion import parse_size
from ckptdoctor.api.opened import CheckpointName, StoredTensor, checkpoint_of
from ckptdoctor.errors import FormatError, UsageError, reason
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Entry, Family, Inventory, StoredGroup

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ckptdoctor.executor.convert import Receipt
    from ckptdoctor.formats.checkpoint import Advance, Checkpoint, StoredBytes
    from ckptdoctor.formats.slices import Piece
    from ckptdoctor.specs.dtype import DType

__all__ = ["save"]

_TEXT = (str, bytes)


def save(
    output: CheckpointName,
    tensors: Mapping[str, ArrayLike | StoredTensor],
    *,
    to: str = "",
    max_shard_size: int | str = 0,
    force: bool = False,
) -> Receipt:
    """Writes a checkpoint, whole or not at all.

        ckptdoctor.save("new.ckpt", {"a": array})
        with ckptdoctor.open("model.ckpt") as ckpt:
            ckptdoctor.save("edited.ckpt", {**ckpt, "fc8/biases": ckpt["fc8/biases"][...] * 0.5})

    Tensors of an opened checkpoint are copied from file to file without being loaded. The object graph of a TensorFlow 2
    checkpoint goes with its tensors as long as every key that it describes is still there, and is left out otherwise.

    Args:
        output: a prefix, or a name that ends in .npz, .safetensors, .h5, .weights.h5 or .keras.
        tensors: key → an array, anything that NumPy makes one of, a string, or a tensor of an opened checkpoint.
        to: the format; else the output's name decides.
        max_shard_size: several files of at most this size: bytes, or "5GB"; 0 for one.
        force: replace an existing output. A checkpoint whose tensors are saved is never replaced.

    Raises:
        UsageError: a value is no array or of a type that no checkpoint holds, the format cannot hold one of them, or the
            output is one of the sources.
        OutputError: the output exists, or cannot be written.
        FormatError: a source is damaged.
    """
    from ckptdoctor.conversion.plan import Plan
    from ckptdoctor.conversion.request import for_target
    from ckptdoctor.executor.convert import convert
    from ckptdoctor.formats.registry import target_of

    name = _destination(output)
    target = target_of(name, to)
    # Keras's loaders go by the order of the weights, which is the dict's, or by the places that Keras gave them.
    collected = _collect(name, tensors, Family.KERAS if target.by_position else Family.ARRAYS)
    _require_other(name, collected.sources)
    plan = Plan(collected.inventory.source, ())
    settled = for_target(plan, collected.inventory, None, target, max_shard_size=parse_size(max_shard_size))
    return convert(collected, settled.plan, name, target=settled.target, options=settled.options, force=force)


def _destination(output: CheckpointName) -> str:
    """The name of the output.

    Raises:
        UsageError: no checkpoint can be written under it.
    """
    if not isinstance(output, str | os.PathLike) or not isinstance(os.fspath(output), str):
        raise UsageError(f"{output!r} is no name of a checkpoint", hint="Pass a str or a pathlib.Path.")
    name = os.fspath(output)
    if not name or name.endswith("/") or Path(name).is_dir():
        raise UsageError(
            f"{name or 'an empty name'} is a directory, not a checkpoint in it",
            hint=f"Name one, such as {Path(name) / 'model.ckpt'}.",
        )
    if name.lower().endswith(".npy"):
        raise UsageError(f"{name}: no checkpoint is written as .npy", hint="Write .npz, which holds arrays by name.")
    return name


@dataclass(slots=True)
class _Collected:
    """Arrays and tensors of checkpoints, as the checkpoint that is to be written. See `Checkpoint`.

    Attributes:
        inventory: what it holds; its files are those of the sources.
        sources: the checkpoints that tensors are of.
        arrays: by key.
        stored_tensors: by key, with the checkpoint and the key in it.
    """

    inventory: Inventory
    sources: tuple[Checkpoint, ...]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    stored_tensors: dict[str, tuple[Checkpoint, str]] = field(default_factory=dict)

    def read(self, key: str) -> NDArray[Any]:
        if key in self.arrays:
            return self.arrays[key]
        checkpoint, source_key = self.stored_tensors[key]
        return checkpoint.read(source_key)

    def pieces(self, key: str) -> Iterable[Piece]:
        if key in self.arrays:
            return ()
        checkpoint, source_key = self.stored_tensors[key]
        return checkpoint.pieces(source_key)

    def stored(self, key: str) -> StoredBytes | None:
        if key in self.arrays:
            return None
        checkpoint, source_key = self.stored_tensors[key]
        return checkpoint.stored(source_key)

    def verify(self, advance: Advance) -> list[FormatError]:
        return []


def _collect(name: str, tensors: Mapping[str, Any], family: Family) -> _Collected:
    if not isinstance(tensors, Mapping):
        raise UsageError(f"{type(tensors).__name__} is no mapping of keys to tensors", hint='Pass {"key": array, …}.')
    from ckptdoctor.formats.format import no_text
    from ckptdoctor.formats.keras_h5 import LEGACY_VERSION
    from ckptdoctor.specs.tensor import TensorSpec

    arrays: dict[str, NDArray[Any]] = {}
    stored: dict[str, tuple[Checkpoint, str]] = {}
    entries: dict[str, Entry] = {}
    for key, value in tensors.items():
        if not isinstance(key, str) or not key or key.startswith("\0"):
            raise UsageError(
                f"{key!r} is no key", hint="A key is a string that is not empty and begins with no zero byte."
            )
        if not isinstance(value, StoredTensor) and (problem := no_text(key)):
            raise UsageError(f"{key!r} is no key: {problem}", hint="Give the array a key that is text.")
        if isinstance(value, StoredTensor):
            checkpoint = checkpoint_of(value.checkpoint)
            stored[key] = checkpoint, value.key
            entry = checkpoint.inventory.entries[value.key]
            entries[key] = Entry(key, entry.spec, entry.slices, entry.name)
        else:
            arrays[key], dtype = _array(key, value)
            entries[key] = Entry(key, TensorSpec(dtype, arrays[key].shape))
    if not entries:
        raise UsageError(f"there is nothing to save in {name}", hint='Pass {"key": array, …}.')
    sources = tuple({id(checkpoint): checkpoint for checkpoint, _ in stored.values()}.values())
    _keep_object_graph(entries, arrays, stored, sources)
    config = next((source.inventory.config for source in sources if source.inventory.config), "")
    recorded = [source.inventory.keras_version or "1" for source in sources if source.inventory.is_keras]
    version = recorded[0] if recorded else LEGACY_VERSION
    files = tuple(path for source in sources for path in source.inventory.files)
    groups = _layers(entries, sources)
    inventory = Inventory(
        f"save to {name}", "arrays", family, files, entries, config=config, groups=groups, keras_version=version
    )
    return _Collected(inventory, sources, arrays, stored)


def _layers(keys: Mapping[str, Entry], sources: Sequence[Checkpoint]) -> tuple[StoredGroup, ...]:
    """The layers of a Keras file: those of the one that all keys are of, else one a scope, in the order of the keys."""
    for source in sources:
        recorded = [group for group in source.inventory.groups if group.path.rpartition("/")[2] != "vars"]
        if recorded and keys.keys() <= {key for group in recorded for key in group.keys}:
            return tuple(replace(group, keys=tuple(key for key in group.keys if key in keys)) for group in recorded)
    scopes: dict[str, list[str]] = {}
    for key in keys:
        scopes.setdefault(key.rpartition("/")[0] or key, []).append(key)
    ends = Counter(scope.rpartition("/")[2] for scope in scopes)
    groups = []
    for scope, held in scopes.items():
        end = scope.rpartition("/")[2]
        name = end if ends[end] == 1 else scope.replace("/", "__")
        groups.append(StoredGroup(name, name, tuple(held)))
    return tuple(groups)


def _array(key: str, value: Any) -> tuple[NDArray[Any], DType]:
    """A value in memory, in native byte order, and its type.

    Raises:
        UsageError: it is no array, or of a type that no checkpoint holds.
    """
    import numpy as np

    from ckptdoctor.specs.dtype import dtype_from_name

    if isinstance(value, _TEXT):
        return _strings(np.array(value, dtype=object)), dtype_from_name("string")
    if not hasattr(value, "__array__") and not isinstance(value, bool | int | float | complex | list | tuple):
        raise UsageError(
            f"{key} is a {type(value).__name__}, which is no array", hint="Make one of it: numpy.asarray(value, dtype)."
        )
    if isinstance(value, np.ma.MaskedArray):
        raise UsageError(
            f"{key} is a masked array, and no checkpoint holds a mask", hint="Fill it first: array.filled(0)."
        )
    try:
        array = np.asarray(value)
    except Exception as error:
        raise UsageError(
            f"{key}: NumPy makes no array of this {type(value).__name__}: {reason(error)}",
            hint="Give it as a NumPy array; one of PyTorch: tensor.detach().float().numpy().",
        ) from error
    if array.dtype.kind in "SUO" and all(isinstance(text, _TEXT) for text in array.reshape(-1).tolist()):
        return _strings(array), dtype_from_name("string")
    try:
        if array.dtype.hasobject:
            raise KeyError(array.dtype)
        dtype = dtype_from_name(array.dtype.newbyteorder("=").name)
        dtype.to_numpy()
    except (KeyError, TypeError):
        raise UsageError(
            f"{key} holds elements of {array.dtype}, which no checkpoint holds",
            hint="Cast it first, as in array.astype('float32').",
        ) from None
    return array.astype(array.dtype.newbyteorder("="), copy=False), dtype


def _strings(array: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    flat = np.empty(array.size, dtype=object)
    flat[:] = [
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        for text in array.reshape(-1).tolist()
    ]
    return flat.reshape(array.shape)


def _keep_object_graph(
    entries: dict[str, Entry],
    arrays: dict[str, NDArray[Any]],
    stored: dict[str, tuple[Checkpoint, str]],
    sources: tuple[Checkpoint, ...],
) -> None:
    """Adds the source's object graph where it describes what is saved; takes away one that does not."""
    given = entries.pop(OBJECT_GRAPH_KEY, None)
    array = arrays.pop(OBJECT_GRAPH_KEY, None)
    if given is not None and array is not None:
        from ckptdoctor.formats.object_graph import decode_objects

        try:
            objects = decode_objects(bytes(array.reshape(-1)[0]))
        except (ValueError, TypeError, IndexError):
            raise UsageError(
                f"{OBJECT_GRAPH_KEY} is the key of TensorFlow's object graph, and this is none",
                hint="Give the array another key.",
            ) from None
        if _described(objects) <= entries.keys():
            entries[OBJECT_GRAPH_KEY], arrays[OBJECT_GRAPH_KEY] = given, array
        return
    described = [source for source in sources if source.inventory.objects]
    if len(described) != 1:
        return
    source = described[0]
    # A key that was renamed, or is of another checkpoint, is not what the graph speaks of.
    own = {key for key in entries if key in arrays or stored[key] == (source, key)}
    if source.inventory.objects and _described(source.inventory.objects) <= own:
        entries[OBJECT_GRAPH_KEY] = source.inventory.entries[OBJECT_GRAPH_KEY]
        stored[OBJECT_GRAPH_KEY] = source, OBJECT_GRAPH_KEY


def _described(objects: Any) -> set[str]:
    """The keys that an object graph describes."""
    return {attribute.key for item in objects.objects for attribute in item.attributes}


def _require_other(name: str, sources: tuple[Checkpoint, ...]) -> None:
    """Refuses an output that is a checkpoint whose tensors are yet to be read."""
    from ckptdoctor.formats.tensor_bundle.naming import index_path, prefix_of

    prefix = prefix_of(name) or name
    outputs = {Path(name).resolve(), Path(prefix).resolve(), Path(index_path(prefix)).resolve()}
    for source in sources:
        inventory = source.inventory
        if outputs & {Path(inventory.source).resolve(), *(path.resolve() for path in inventory.files)}:
            raise UsageError(
                f"{name} is the checkpoint that is saved from",
                hint="Save under another name; inputs are never changed.",
            )
