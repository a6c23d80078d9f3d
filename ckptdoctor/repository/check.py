"""Comparing what a repository declares, with the lock where a checkpoint is not here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ckptdoctor.diagnosis.comparison import compare
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.diagnosis.guard import not_as_locked, unused_ignore
from ckptdoctor.diagnosis.ignores import Ignore
from ckptdoctor.errors import CkptDoctorError, FormatError, MissingData, NotACheckpoint
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.reading import read_graph
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.repository.configuration import Declared, read_declared
from ckptdoctor.repository.lock_file import NAME, Lock, differences, read_lock, read_pointer
from ckptdoctor.specs.graph import GraphSpec, SourceLine
from ckptdoctor.specs.inventory import Inventory


@dataclass(frozen=True, slots=True)
class Checked:
    """The diagnosis of each pair, and the errors that kept others from being compared."""

    diagnoses: tuple[Diagnosis, ...]
    errors: tuple[CkptDoctorError, ...]

    @property
    def clean(self) -> bool:
        """Whether every pair was compared, and fits."""
        return not self.errors and all(diagnosis.clean for diagnosis in self.diagnoses)


def check_repository(config: Path, files: Iterable[Path] = (), *, locked: bool = False) -> Checked:
    """Compares the pairs that a configuration declares.

    Args:
        config: the `pyproject.toml`; its lock lies beside it.
        files: files that have changed; the pairs that they have nothing to do with are left out. None is all pairs.
        locked: compare with the lock alone, and report a checkpoint that is not the locked one.

    Raises:
        UsageError: the configuration or the lock cannot be read.
        FormatError: whether a changed file belongs to a pair cannot be told.
    """
    path = config.parent / NAME
    lock = read_lock(path) if locked or path.exists() else None
    declared = read_declared(config)
    changed = {file.resolve() for file in files}
    pairs = [_Pair(item, lock) for item in declared]
    if changed and not changed & {config.resolve(), path.resolve()}:
        pairs = [pair for pair in pairs if pair.touched(changed)]
    return _check(pairs, locked=locked, whole=len(pairs) == len(declared))


class _Pair:
    """A declared pair; each side of it is opened once."""

    def __init__(self, declared: Declared, lock: Lock | None) -> None:
        self.declared, self.lock = declared, lock
        self._inventory: Inventory | None = None
        self._graph: GraphSpec | None = None

    def inventory(self) -> Inventory:
        """The checkpoint's own."""
        if self._inventory is None:
            self._inventory = open_checkpoint(self.declared.checkpoint).inventory
        return self._inventory

    def graph(self) -> GraphSpec:
        """The graph."""
        if self._graph is None:
            self._graph = read_graph(self.declared.graph)
        return self._graph

    def touched(self, changed: set[Path]) -> bool:
        """Whether a changed file is the checkpoint's, the graph's, or of a module that the graph imports."""
        kept = self.lock.find(self.declared.checkpoint) if self.lock else None
        inventory = kept.inventory if kept else self.inventory()
        if changed & {path.resolve() for path in inventory.files}:
            return True
        # The trace knows which files it was made from; an unchanged graph's comes from the cache.
        return bool(changed & {Path(file).resolve() for file in self.graph().files})


def _check(pairs: Sequence[_Pair], *, locked: bool, whole: bool) -> Checked:
    """Compares pairs; where they are all of the configuration's, an ignore that none of them needs is unused."""
    diagnoses: list[Diagnosis] = []
    errors: list[CkptDoctorError] = []
    used: set[Ignore] = set()
    unused: dict[Ignore, int] = {}
    for pair in pairs:
        declared = pair.declared
        try:
            inventory, problems = _inventory_of(pair, locked=locked)
            graph = pair.graph()
            options = declared.graph.options if isinstance(declared.graph, GraphRequest) else ()
            compared = compare(
                graph,
                inventory,
                options,
                include=declared.include,
                exclude=declared.exclude,
                ignore=declared.ignore,
            )
        except CkptDoctorError as error:
            errors.append(error)
            continue
        used |= compared.used
        unused |= dict.fromkeys(compared.unused, len(diagnoses))
        diagnosis = compared.diagnosis
        diagnoses.append(replace(diagnosis, diagnostics=(*problems, *diagnosis.diagnostics)))
    for ignore, number in unused.items() if whole and not errors else ():
        if ignore not in used:
            diagnosis = diagnoses[number]
            diagnoses[number] = replace(diagnosis, diagnostics=(*diagnosis.diagnostics, unused_ignore.report(ignore)))
    return Checked(tuple(diagnoses), tuple(errors))


def _inventory_of(pair: _Pair, *, locked: bool) -> tuple[Inventory, tuple[Diagnostic, ...]]:
    """What to compare a pair's graph with, and what is wrong between the checkpoint and its lock."""
    checkpoint, lock = pair.declared.checkpoint, pair.lock
    kept = lock.find(checkpoint) if lock else None
    if not lock or not kept:
        message, place = f"{checkpoint} is not in the lock.", SourceLine(str(lock.path) if lock else "", 1, "")
        unlocked = (not_as_locked.report(checkpoint, message, (), place),) if lock and locked else ()
        return pair.inventory(), unlocked
    note = f"{checkpoint} is not here: what {lock.path} says about it is compared."
    if not locked:
        return _inventory_if_here(pair) or replace(kept.inventory, notes=(note,)), ()
    present, damage = None, None
    try:
        present = _inventory_if_here(pair)
    except FormatError as error:
        damage = error
    changed = differences(kept, present)
    if damage and not changed:
        raise damage
    if damage:
        changed.append(damage.message)
    message = f"{checkpoint} is not the checkpoint that was locked."
    stand_in = replace(kept.inventory, notes=() if present else (note,))
    return stand_in, (not_as_locked.report(checkpoint, message, changed, kept.location),) if changed else ()


def _inventory_if_here(pair: _Pair) -> Inventory | None:
    """A checkpoint's inventory; None if it is absent, or a git-lfs pointer stands for it."""
    try:
        return pair.inventory()
    except MissingData:
        return None
    except NotACheckpoint as error:
        if not read_pointer(Path(error.file)):
            raise
        return None
