"""The list that says which file each part of a checkpoint of several files lies in.

    list := {"metadata": {…}, "weight_map": {NAME: FILE | [FILE, …], …}}

Source: huggingface_hub, `serialization/_base.py`, for safetensors, where a name has one file; Keras,
keras/src/saving/saving_lib.py, `ShardedH5IOStore`, where a layer's weights may lie in several.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.errors import Corrupt, MissingData
from ckptdoctor.io.store import Store
from ckptdoctor.limits import MAX_JSON_HEADER

_NAMED = 3
"""Missing files that are named."""


@dataclass(frozen=True, slots=True)
class WeightMap:
    """A list, checked: every file that it names is there.

    Attributes:
        path: the list itself.
        names: name → the names of its files.
    """

    path: Path
    names: Mapping[str, tuple[str, ...]]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it names, each once, sorted."""
        return tuple(
            self.path.parent / name for name in sorted({name for part in self.names.values() for name in part})
        )


def read_weight_map(path: Path, store: Store) -> WeightMap:
    """Reads a list.

    Raises:
        MissingData: a file that it names is not beside it.
        Corrupt: it is no such list, or names a file elsewhere.
    """
    try:
        file = store.open(path)
        if file.size > MAX_JSON_HEADER:
            raise ValueError(f"{file.size:,} bytes")
        listed = json.loads(bytes(file.view(0, file.size, "weight_map")), object_pairs_hook=unique)["weight_map"]
        names = {str(name): _files(files) for name, files in listed.items()}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise Corrupt(
            path, "weight_map", f"is no table of files: {error}", hint="Fetch it, or save the weights, again."
        ) from error
    weight_map = WeightMap(path, names)
    foreign = [name for part in names.values() for name in part if Path(name).name != name or "\0" in name]
    if foreign:
        raise Corrupt(path, "weight_map", f"{foreign[0]!r} is no file beside it", hint="Correct the list.")
    absent = [file.name for file in weight_map.files if not store.is_file(file)]
    if absent:
        raise MissingData(
            path, "weight_map", f"missing {', '.join(absent[:_NAMED])}", hint="Copy the shards beside the list."
        )
    return weight_map


def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The members of a JSON object, of which no name may occur twice.

    Raises:
        ValueError: one does.
    """
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name occurs twice")
    return table


def _files(listed: object) -> tuple[str, ...]:
    files = listed if isinstance(listed, list) else [listed]
    if not files or not all(isinstance(name, str) for name in files):
        raise ValueError(f"{str(listed)[:80]!r} is no file")
    return tuple(files)
