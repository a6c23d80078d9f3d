"""Running tasks: one after another here, or in several processes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context

from ckptdoctor.executor.tasks import CopyFile, Done, OpenFiles, Task
from ckptdoctor.formats.checkpoint import Advance, Checkpoint
from ckptdoctor.formats.layout import Layout

_BATCH = 16
"""Tasks that a process is given at a time."""


def reserve(layout: Layout) -> None:
    """Gives each file its size, so that its parts can be written in any order."""
    for path, size in layout.files.items():
        os.truncate(path, size)


def run(
    tasks: Sequence[Task],
    copies: Sequence[CopyFile],
    checkpoint: Checkpoint,
    advance: Advance,
    *,
    processes: int = 0,
) -> list[Done]:
    """Runs tasks; gives what each of `tasks` gives back, in their order.

    Args:
        tasks: what to do.
        copies: whole files to copy meanwhile, within the kernel.
        checkpoint: the source.
        advance: hears the bytes as they are worked through; as each task ends, where processes run them.
        processes: how many; 0 to run them here.

    Raises:
        CkptDoctorError, OSError: a task failed; the others are not begun.
    """
    with ThreadPoolExecutor(1) as background:
        copying = background.submit(_copy, copies)
        done = _in_processes(tasks, advance, processes) if processes else _here(tasks, checkpoint, advance)
        copying.result()
    return done


def _copy(copies: Sequence[CopyFile]) -> None:
    with OpenFiles() as files:
        for task in copies:
            task.run(files, lambda size: None)


def _here(tasks: Sequence[Task], checkpoint: Checkpoint, advance: Advance) -> list[Done]:
    with OpenFiles(checkpoint) as files:
        return [task.run(files, advance) for task in tasks]


def _in_processes(tasks: Sequence[Task], advance: Advance, processes: int) -> list[Done]:
    done = []
    # A child that is forked has this one's threads' locks, and none of the threads.
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
    try:
        for result in pool.map(_run_there, tasks, chunksize=_BATCH):
            done.append(result)
            advance(result.size)
    finally:
        pool.shutdown(cancel_futures=True)
    return done


def _run_there(task: Task) -> Done:
    return task.run(_files(), lambda size: None)


@cache
def _files() -> OpenFiles:
    """What a process of a pool has open until it ends."""
    return OpenFiles()
