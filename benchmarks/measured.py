"""How things are measured: whole commands, interleaved, on this machine, now."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROUNDS = int(os.environ.get("ROUNDS", "5"))
ENVIRONMENT = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

_MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, code)
"""


@dataclass(frozen=True)
class Side:
    """One way to do a job: its name, the command, and files that are removed before each run of it."""

    name: str
    command: Sequence[str]
    output: str = ""


def run(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and peak megabytes (the largest of its processes) of a command."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, env=ENVIRONMENT, check=True
    )
    seconds, memory, code = done.stdout.split()
    if code not in ("0", "1"):
        raise SystemExit(f"{' '.join(command)} failed with {code}")
    return float(seconds), float(memory)


def _clear(output: str) -> None:
    if output:
        for path in Path(output).parent.glob(f"{Path(output).name}*"):
            path.unlink() if not path.is_dir() else shutil.rmtree(path)
        Path(output).parent.mkdir(exist_ok=True)


def table(title: str, sides: Sequence[Side], rounds: int = ROUNDS) -> str:
    """A Markdown table: medians of interleaved rounds, and their ratio to the first side's."""
    taken: dict[str, list[tuple[float, float]]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            _clear(side.output)
            os.sync()
            taken[side.name].append(run(side.command))
    for side in sides:
        _clear(side.output)
    lines = [f"## {title}", "", "| what | seconds | ratio | peak MB |", "|---|---|---|---|"]
    base = statistics.median(seconds for seconds, _ in taken[sides[0].name])
    for name, rows in taken.items():
        seconds = statistics.median(seconds for seconds, _ in rows)
        lines.append(f"| {name} | {seconds:.2f} | {seconds / base:.2f} | {max(memory for _, memory in rows):.0f} |")
    return "\n".join([*lines, ""])


def machine() -> str:
    """What this was measured on."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB of memory, {platform.system()} {platform.release()}, Python {platform.python_version()}"
