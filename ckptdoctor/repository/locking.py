"""Writing down what the declared checkpoints hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.io.atomic_output import AtomicOutput
from ckptdoctor.repository.configuration import read_declared
from ckptdoctor.repository.lock_file import NAME, lock_checkpoint, lock_text, read_lock

Change = Literal["added", "unchanged", "updated", "removed"]


@dataclass(frozen=True, slots=True)
class Locked:
    """What became of a lock.

    Attributes:
        path: the lock file.
        written: whether it was written; it was up to date otherwise.
        changes: each checkpoint, what became of it, and how many variables it holds; removed ones last.
    """

    path: Path
    written: bool
    changes: tuple[tuple[str, Change, int], ...]


def lock_repository(
    config: Path, counting: Callable[[int], Callable[[int], object]] = lambda total: lambda size: None
) -> Locked:
    """Digests every file of the declared checkpoints, and writes the lock where it has changed.

    Args:
        config: the `pyproject.toml`; the lock lies beside it.
        counting: is told how many bytes there are to read; gives what hears of them as they are read.

    Raises:
        UsageError: the configuration cannot be read, or a file is not here.
        FormatError: a checkpoint cannot be read.
        OutputError: the lock cannot be written.
    """
    path = config.parent / NAME
    names = list(dict.fromkeys(pair.checkpoint for pair in read_declared(config)))
    before = {item.checkpoint: item for item in (read_lock(path).checkpoints if path.exists() else ())}
    inventories = {name: open_checkpoint(name).inventory for name in names}
    files = [file for inventory in inventories.values() for file in inventory.files]
    advance = counting(sum(file.stat().st_size for file in files if file.exists()))
    locked = [lock_checkpoint(name, inventory, advance) for name, inventory in inventories.items()]
    text = lock_text(locked)
    current = path.exists() and path.read_text("utf-8") == text
    if not current:
        with AtomicOutput(force=True) as output:
            output.create(path).write(text.encode())
            output.commit()
    changes: list[tuple[str, Change, int]] = []
    for item in locked:
        old = before.get(item.checkpoint)
        change: Change = "added" if old is None else "unchanged" if old.files == item.files else "updated"
        changes.append((item.checkpoint, change, len(item.inventory.variables)))
    changes += [(name, "removed", len(item.inventory.variables)) for name, item in before.items() if name not in names]
    return Locked(path, not current, tuple(changes))
