"""What a repository declares: compared, and locked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckptdoctor.repository.check import Checked
    from ckptdoctor.repository.locking import Locked

__all__ = ["check", "lock"]


def check(config: Path, files: Iterable[Path] = (), *, locked: bool = False) -> Checked:
    """Compares the pairs that a `pyproject.toml` declares. See `ckptdoctor.repository.check`."""
    from ckptdoctor.repository.check import check_repository

    return check_repository(config, files, locked=locked)


def lock(config: Path, counting: Callable[[int], Callable[[int], object]] = lambda total: lambda size: None) -> Locked:
    """Writes down what the declared checkpoints hold. See `ckptdoctor.repository.locking`."""
    from ckptdoctor.repository.locking import lock_repository

    return lock_repository(config, counting)
