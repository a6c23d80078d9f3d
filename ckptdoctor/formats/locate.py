"""From what the user names to an opened checkpoint."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from ckptdoctor.errors import MissingData, NotACheckpoint
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.format import Probe
from ckptdoctor.formats.registry import open_file, refusal
from ckptdoctor.formats.state_file import STATE_FILE, read_latest
from ckptdoctor.formats.tensor_bundle.naming import index_path, prefix_of
from ckptdoctor.formats.tf_v1 import V1Checkpoint
from ckptdoctor.io.store import LOCAL, Store

_V1_SHARD = re.compile(r"(?P<stem>.*)-(?P<shard>\d{5})-of-(?P<shards>\d{5})")
_SHARD = r"-.{5}-of-.{5}"
_SAVED_MODEL = b"\x08\x01\x12"
_LISTED = 8


def open_checkpoint(name: str, store: Store = LOCAL) -> Checkpoint:
    """Opens a checkpoint by prefix, index, data shard, directory or file; a file's content tells its format.

    Args:
        name: what the user typed.
        store: where its files are.

    Raises:
        FormatError: there is none, it is another kind of file, or it is damaged.
    """
    path = Path(name)
    if store.is_directory(path):
        if not name.endswith("/") and store.exists(index_path(name)):
            beside = (
                f"{name} is both a directory and the prefix of a bundle; the bundle is used. Name {name}/ otherwise."
            )
            return _open_prefix(name, store, (beside,))
        return _open_directory(name, path, store)
    if path.name == STATE_FILE and store.is_file(path) and not _is_table(path, store):
        return _open_latest(path, store)
    prefix = prefix_of(name)
    if prefix is not None:
        return _open_bundle_file(name, prefix, path, store)
    return _open_prefix(name, store)


def saved_model_file(path: Path, store: Store = LOCAL) -> Path | None:
    """The file that describes a SavedModel, of its directory or named itself; None if this is none."""
    candidates = [path] if store.is_file(path) else [path / "saved_model.pb"]
    return next((item for item in candidates if store.is_file(item) and _is_saved_model(Probe(item, store))), None)


def _open_bundle_file(name: str, prefix: str, path: Path, store: Store) -> Checkpoint:
    index = index_path(prefix)
    if store.exists(index):
        return _open_bundle(prefix, store, _pattern_note(prefix))
    if store.exists(path):
        raise MissingData(
            path,
            "data shard",
            f"its index {index.name} is missing",
            hint=f"A shard holds bytes only; names and shapes are in {index.name}. Copy it into {path.parent}.",
        )
    raise _nothing(name, store)


def _open_prefix(prefix: str, store: Store, notes: tuple[str, ...] = ()) -> Checkpoint:
    """What TensorFlow takes under this name: the bundle if there is one, else the V1 file or files.

    Source: TensorFlow, tensorflow/c/checkpoint_reader.cc, `CheckpointReader::CheckpointReader`.
    """
    index, path = index_path(prefix), Path(prefix)
    notes += _pattern_note(prefix)
    if store.exists(index):
        if store.is_file(path) and _is_table(path, store):
            notes += (
                f"{prefix} is both a V1 file and the prefix of a V2 bundle. TensorFlow restores the bundle, "
                "so the bundle is used here.",
            )
        return _open_bundle(prefix, store, notes)
    if store.is_file(path):
        probe = Probe(path, store, prefix, notes)
        return _open_saved_model(path, store) if _is_saved_model(probe) else open_file(probe)
    shards = _matching(path.parent, re.escape(path.name) + _SHARD, store)
    if shards:
        _require_all(prefix, shards, store)
        return V1Checkpoint(prefix, tuple(shards), notes, store)
    orphans = _matching(path.parent, re.escape(path.name + ".data") + _SHARD, store)
    if orphans:
        raise MissingData(
            index,
            "index",
            "is missing",
            hint=f"{orphans[0].name} is there, but names and shapes are in the index. Copy {index.name} beside it.",
        )
    raise _nothing(prefix, store)


def _open_bundle(prefix: str, store: Store, notes: tuple[str, ...] = ()) -> Checkpoint:
    index = Probe(index_path(prefix), store, prefix, notes)
    if not index.is_table:
        raise refusal(index)
    return open_file(index)


def _pattern_note(prefix: str) -> tuple[str, ...]:
    """What TensorFlow makes of a path that is a pattern to it.

    Source: TensorFlow, tensorflow/python/checkpoint/checkpoint_management.py, `checkpoint_exists_internal`, which looks
    for files that match the prefix.
    """
    if not set(prefix) & set("[]*?"):
        return ()
    return (f"TensorFlow reads [ ] * ? in {prefix} as a pattern and finds no such checkpoint: rename the directory.",)


def _is_saved_model(probe: Probe) -> bool:
    """Whether a file begins as a SavedModel: its schema's version, then a meta graph.

    Source: TensorFlow, tensorflow/core/protobuf/saved_model.proto.
    """
    return probe.head.startswith(_SAVED_MODEL)


def _is_table(path: Path, store: Store) -> bool:
    return Probe(path, store).is_table


def _require_table(path: Path, store: Store) -> None:
    probe = Probe(path, store)
    if not probe.is_table:
        raise refusal(probe)


def _require_all(prefix: str, shards: list[Path], store: Store) -> None:
    numbers = {}
    for shard in shards:
        _require_table(shard, store)
        match = _V1_SHARD.fullmatch(shard.name)
        if match:
            numbers[int(match["shard"])] = int(match["shards"])
    total = max(numbers.values(), default=0)
    missing = [f"{Path(prefix).name}-{n:05d}-of-{total:05d}" for n in range(total) if n not in numbers]
    if missing:
        shown = ", ".join(missing[:_LISTED])
        raise MissingData(prefix, "V1 shards", f"missing {shown}", hint="Copy the missing shards beside the others.")


def _open_directory(name: str, directory: Path, store: Store) -> Checkpoint:
    if store.exists(index_path(name.rstrip("/") + "/")):
        return _open_bundle(name.rstrip("/") + "/", store)
    state = directory / STATE_FILE
    if store.is_file(state) and not _is_table(state, store):
        return _open_latest(state, store)
    # A SavedModel keeps its bundle here (TensorFlow, tensorflow/cc/saved_model/constants.h).
    if store.exists(directory / "variables" / "variables.index"):
        return _open_prefix(str(directory / "variables" / "variables"), store)
    prefixes = _prefixes(directory, store)
    if len(prefixes) == 1:
        return _open_prefix(prefixes[0], store, (f"the only checkpoint in {directory} is {Path(prefixes[0]).name}.",))
    if prefixes:
        listed = "\n".join(f"  {prefix}" for prefix in prefixes[:_LISTED])
        raise NotACheckpoint(
            directory, "directory", f"holds {len(prefixes)} checkpoints and no state file", hint=f"Name one:\n{listed}"
        )
    for path in _matching(directory, r".*\.index", store) + _matching(directory, r".*\.data" + _SHARD, store):
        _require_table(path, store)
    raise NotACheckpoint(directory, "directory", "holds no checkpoint", hint="Name a prefix, an .index or a V1 file.")


def _open_saved_model(path: Path, store: Store) -> Checkpoint:
    """The variables beside a SavedModel's own file.

    Source: TensorFlow, tensorflow/cc/saved_model/constants.h, `kSavedModelVariablesDirectory`.
    """
    prefix = path.parent / "variables" / "variables"
    if store.exists(index_path(str(prefix))):
        return _open_prefix(str(prefix), store, (f"{path.name} describes the model; its values are in {prefix}.",))
    raise NotACheckpoint(
        path,
        "file",
        "this is a SavedModel without variables",
        hint="Name its directory where variables/ lies beside it.",
    )


def _open_latest(state: Path, store: Store) -> Checkpoint:
    """The checkpoint that a state file names; one that has moved with its directory is found there."""
    latest = read_latest(state, store)
    written = Path(latest)
    here = str(state.parent / written) if not written.is_absolute() else latest
    moved = str(state.parent / written.name)
    chosen = (f"{state} names {latest}.",)
    if _exists(here, store):
        return _open_prefix(here, store, chosen)
    if _exists(moved, store):
        return _open_prefix(moved, store, (f"{state} names {latest}, which is not there; {moved} is used.",))
    others = [f"  {prefix}" for prefix in _prefixes(state.parent, store)[:_LISTED]]
    listed = "Name one of these instead:\n" + "\n".join(others) if others else "Copy the checkpoint into its directory."
    raise MissingData(state, "checkpoint state file", f"names {latest}, which is not there", hint=listed)


def _exists(prefix: str, store: Store) -> bool:
    path = Path(prefix)
    return (
        store.exists(index_path(prefix))
        or store.is_file(path)
        or bool(_matching(path.parent, re.escape(path.name) + _SHARD, store))
    )


def _prefixes(directory: Path, store: Store) -> list[str]:
    """The checkpoints in a directory, V2 and V1, newest names last."""
    if not store.is_directory(directory):
        return []
    bundles = {
        str(index).removesuffix(".index")
        for index in _matching(directory, r".*\.index", store)
        if _is_table(index, store)
    }
    files = [path for path in store.list(directory) if store.is_file(path) and path.suffix != ".index"]
    singles = {str(path) for path in files if _is_table(path, store)}
    return sorted(bundles | singles)


def _nothing(name: str, store: Store) -> MissingData:
    path = Path(name)
    near = _prefixes(path.parent, store)
    close = [item for item in near if item.startswith(name)] or get_close_matches(name, near, n=3, cutoff=0.5)
    if close:
        hint = "Did you mean " + " or ".join(close[:3]) + "?"
    elif store.is_directory(path.parent):
        hint = (
            f"{path.parent} holds " + (", ".join(Path(item).name for item in near[:_LISTED]) or "no checkpoint") + "."
        )
    else:
        hint = f"There is no directory {path.parent}."
    return MissingData(name, "checkpoint", "there is no such checkpoint", hint=hint)


def _matching(directory: Path, pattern: str, store: Store) -> list[Path]:
    """The files and directories of a directory whose names match a regular expression, sorted."""
    return [path for path in store.list(directory) if re.fullmatch(pattern, path.name, re.DOTALL)]
