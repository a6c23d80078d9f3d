"""Faults while a checkpoint is written: killed, refused or out of room at every system call that writes.

CKPTDOCTOR_ALL_FAULTS=1 injects four times as many.

Afterwards the old output is whole or the new one is, the source is what it was, and the next conversion leaves nothing
of the broken one behind. `strace` injects the faults; where it cannot (none installed, or tracing is not allowed), these
tests are skipped and the others, which need nothing, remain.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import Corrupt
from ckptdoctor.formats.locate import open_checkpoint
from tests.conftest import COUNTED

# Each call that changes what is on the disk, and how often it is faulted at the most.
CALLS = ("write,pwrite64,pwritev", "copy_file_range", "fsync", "rename,renameat,renameat2", "openat", "unlink,unlinkat")
ALL = bool(os.environ.get("CKPTDOCTOR_ALL_FAULTS"))
MOST = 12 if ALL else 3
FAULTS = ("signal=SIGKILL", "error=ENOSPC", "error=EIO")

TARGETS = {
    "bundle, data copied whole": ("out", ["--rename", "^a/=z/"]),
    "bundle, rewritten": ("out", ["--dtype", "float16"]),
    "safetensors in shards": ("out.safetensors", ["--max-shard-size", "20kB"]),
    "npz": ("out.npz", []),
}
TRACES = "write,pwrite64,pwritev,copy_file_range,fsync,rename,renameat,renameat2,openat,unlink,unlinkat"


def values(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {f"a/{n}/w": rng.standard_normal((50, 40)).astype(np.float32) for n in range(8)}


def command(source: Path, output: Path, options: list[str]) -> list[str]:
    return [sys.executable, "-m", "ckptdoctor", "convert", str(source), str(output), "--force", *options]


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if not path.name.startswith(".")}


def can_trace() -> bool:
    strace = shutil.which("strace")
    return bool(strace) and subprocess.run([str(strace), "-o", os.devnull, "true"], check=False).returncode == 0


needs_strace = pytest.mark.skipif(not can_trace(), reason="strace is not installed, or may not trace here")


def clean_run(source: Path, directory: Path, name: str, options: list[str]) -> dict[str, bytes]:
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(command(source, directory / name, options), check=True, capture_output=True)
    return content(directory)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two bundles of the same names and other values: what was there, and what is to replace it."""
    directory = tmp_path_factory.mktemp("sources")
    made = []
    for name, seed in (("old", 1), ("new", 2)):
        np.savez(directory / f"{name}.npz", **values(seed))
        subprocess.run(command(directory / f"{name}.npz", directory / name, []), check=True, capture_output=True)
        made.append(directory / name)
    return made[0], made[1]


def count_calls(source: Path, directory: Path, name: str, options: list[str], calls: str) -> int:
    """How often a conversion makes a call on files of its output."""
    log = directory / "trace"
    done = ["strace", "-f", "-qq", "-e", f"trace={calls}", "-P", str(directory / "out"), "-o", str(log)]
    (directory / "out").mkdir(parents=True)
    subprocess.run([*done[:5], "-o", str(log), *command(source, directory / "out" / name, options)], check=True)
    return len(log.read_text().splitlines())


@needs_strace
@pytest.mark.parametrize("target", TARGETS)
def test_a_fault_at_any_writing_call_leaves_the_old_or_the_new(
    target: str, sources: tuple[Path, Path], tmp_path: Path
) -> None:
    old, new = sources
    name, options = TARGETS[target]
    before = clean_run(old, tmp_path / "old", name, options)
    after = clean_run(new, tmp_path / "new", name, options)
    assert before != after
    source_bytes = content(new.parent)
    jobs = []
    for calls in CALLS:
        # The interpreter opens and writes files of its own before and after: only late calls are the output's.
        total = count_calls(new, tmp_path / f"count-{CALLS.index(calls)}", name, options, calls)
        first = max(1, total - 10) if calls == "openat" else 1
        numbers = range(first, total + 1)
        step = max(1, len(numbers) // MOST)
        faults = FAULTS[:1] if calls == "openat" else FAULTS
        jobs += [(calls, number, fault) for number in numbers[::step] for fault in faults]

    def run(job: tuple[str, tuple[str, int, str]]) -> str:
        where, (calls, number, fault) = job
        directory = tmp_path / f"job-{where}"
        shutil.copytree(tmp_path / "old", directory)
        inject = f"inject={calls}:{fault}:when={number}"
        trace = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={TRACES}", "-e", inject]
        done = subprocess.run([*trace, *command(new, directory / name, options)], check=False, capture_output=True)
        found = content(directory)
        what = f"{fault} at {calls} {number}"
        if found not in (before, after) and fault == "signal=SIGKILL":
            # Between two renames: the next process finishes what was complete.
            subprocess.run(command(new, directory / "other.npz", []), check=True, capture_output=True)
            (directory / "other.npz").unlink()
            found = content(directory)
        if found not in (before, after):
            return f"{what}: neither the old output nor the new one: {sorted(found)}"
        if fault != "signal=SIGKILL" and b"Traceback" in done.stderr:
            return f"{what}: a traceback: {done.stderr[-400:]!r}"
        subprocess.run(command(new, directory / name, options), check=True, capture_output=True)
        if content(directory) != after:
            return f"{what}: the next run did not write the new output"
        left = [path.name for path in directory.iterdir() if path.name.startswith(".")]
        shutil.rmtree(directory)
        return f"{what}: left {left}" if left else ""

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [text for text in pool.map(run, [(str(n), job) for n, job in enumerate(jobs)]) if text]
    COUNTED["faults injected at system calls that write"] += len(jobs)
    assert len(jobs) > 20
    assert problems == [], "\n".join(problems)
    assert content(new.parent) == source_bytes


def test_a_full_disk_leaves_nothing(sources: tuple[Path, Path], tmp_path: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(mounted)], check=False).returncode:
        pytest.skip("a file system of 48 kB cannot be mounted here")
    try:
        done = subprocess.run(
            command(sources[1], mounted / "out", ["--rename", "^a/=z/"]), check=False, capture_output=True
        )
        assert done.returncode == 3
        assert b"No space left on device" in done.stderr
        assert b"Free some space" in done.stderr
        assert list(mounted.iterdir()) == []
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_place_that_cannot_be_written_is_said(sources: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(command(sources[1], tmp_path / "file" / "out", []), check=False, capture_output=True)
    assert done.returncode == 3
    assert b"could not be written" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("change", ["shrinks", "grows", "is replaced", "is touched"])
def test_a_source_that_changes_is_noticed(change: str, tmp_path: Path) -> None:
    from ckptdoctor.executor.convert import convert

    source = tmp_path / "source.safetensors"
    np.savez(tmp_path / "s.npz", **values(3))
    subprocess.run(command(tmp_path / "s.npz", source, []), check=True, capture_output=True)
    checkpoint = open_checkpoint(str(source))
    changed = False

    def advance(size: int) -> None:
        nonlocal changed
        if changed:
            return
        changed = True
        if change == "shrinks":
            os.truncate(source, source.stat().st_size - 40_000)
        elif change == "grows":
            with source.open("ab") as file:
                file.write(b"more")
        elif change == "is replaced":
            shutil.copy(source, tmp_path / "copy")
            (tmp_path / "copy").replace(source)
        else:
            os.utime(source, ns=(1, 1))

    with pytest.raises(Corrupt, match=r"changed while it was read|ends .* early"):
        convert(checkpoint, Plan(str(source), ()), str(tmp_path / "out"), advance=advance)
    assert {path.name for path in tmp_path.iterdir()} <= {"source.safetensors", "s.npz", "copy"}


def test_two_conversions_to_one_target_leave_one_of_them(sources: tuple[Path, Path], tmp_path: Path) -> None:
    whole = [clean_run(source, tmp_path / source.name, "out", ["--dtype", "float16"]) for source in sources]
    directory = tmp_path / "shared"
    directory.mkdir()
    for _ in range(6):
        running = [
            subprocess.Popen(command(source, directory / "out", ["--dtype", "float16"]), stdout=subprocess.DEVNULL)
            for source in (*sources, *sources)
        ]
        assert [process.wait() for process in running] == [0] * 4
        assert content(directory) in whole
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("link", [False, True])
def test_an_interrupt_leaves_nothing(link: bool, tmp_path: Path) -> None:
    """Ctrl-C on a terminal, with the progress bar up."""
    import pty

    rng = np.random.default_rng(0)
    np.savez(tmp_path / "big.npz", **{f"w{n}": rng.standard_normal(6_000_000).astype(np.float32) for n in range(8)})
    if link:
        subprocess.run(command(tmp_path / "big.npz", tmp_path / "big", []), check=True, capture_output=True)
    before = content(tmp_path)
    options = ["--link", "--rename", "^w=x"] if link else ["--dtype", "float16"]
    for delay in (0.25, 0.35, 0.45):
        master, slave = pty.openpty()
        started = time.monotonic()
        process = subprocess.Popen(
            command(tmp_path / ("big" if link else "big.npz"), tmp_path / "out" / "out", options),
            stderr=slave,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(slave)
        time.sleep(max(0.0, delay - (time.monotonic() - started)))
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=30)
        os.close(master)
        assert code in (0, 130, -signal.SIGINT)
        left = sorted(path.name for path in (tmp_path / "out").iterdir()) if (tmp_path / "out").exists() else []
        whole = ["checkpoint", "out.data-00000-of-00001", "out.index"]
        assert left in ([], whole), left
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
    assert content(tmp_path) == before
