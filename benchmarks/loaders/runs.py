"""Has the truths found: which are known already, and the processes that find the others."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

from pairs import Pair, net_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LATE = 124
REVISION = 2
"""Counted up where what is recorded, or how it is found, changes."""

PROGRAMS = {"keras3": "keras3", "module": "keras3", "graph": "keras3", "tf_keras": "tf_keras"}
"""Which libraries share a process: there are two, and TensorFlow is imported once in each."""


def versions() -> dict[str, str]:
    """What the truth depends on."""
    found = {}
    for name in ("tensorflow", "keras", "tf_keras", "h5py", "numpy"):
        for distribution in (name, "tensorflow-cpu") if name == "tensorflow" else (name,):
            try:
                found[name] = metadata.version(distribution)
            except metadata.PackageNotFoundError:
                continue
    return found


def home() -> Path:
    """Where truths are kept, by the versions that they are of."""
    name = "-".join(f"{name}{version}" for name, version in versions().items())
    return Path(os.environ.get("TRUTH_HOME", ROOT / "build" / "truth")) / name


def _source_key(pair: Pair) -> str:
    text = repr((REVISION, net_of(pair.source), pair.route.library, pair.route.format))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _pair_key(pair: Pair) -> str:
    text = repr((_source_key(pair), net_of(pair.target), pair.route))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def truths(pairs: list[Pair], seconds: float) -> dict[str, dict[str, Any]]:
    """The truth of each pair, by id; those that cannot be found within the time are left for the next run."""
    home().mkdir(parents=True, exist_ok=True)
    known = _known()
    saves: dict[str, dict[str, Any]] = {}
    loads = []
    for pair in pairs:
        if _pair_key(pair) in known:
            continue
        key = _source_key(pair)
        record = str(home() / "files" / key / "record.json")
        loads.append(
            {"key": _pair_key(pair), "load": pair.id, "record": record, "program": PROGRAMS[pair.route.flavour]}
        )
        if not Path(record).exists():
            wanted = [pair.source, pair.route.library, pair.route.format]
            saves[key] = {"key": key, "save": wanted, "record": record, "program": PROGRAMS[pair.route.library]}
    with (home() / "truths.jsonl").open("a", encoding="utf-8") as file:
        for answer in _asked([*saves.values(), *loads], seconds):
            known[answer["key"]] = answer
            file.write(json.dumps(answer) + "\n")
    return {pair.id: known[_pair_key(pair)] for pair in pairs if _pair_key(pair) in known}


def loads_of(records: dict[str, tuple[Pair, Path]], seconds: float) -> dict[str, dict[str, Any]]:
    """What the loaders do with other files than the pairs' own; nothing is kept.

    Args:
        records: by any key, a pair and the record of the file that is loaded instead of its source.
        seconds: as for `truths`.
    """
    tasks = [
        {"key": key, "load": pair.id, "record": str(record), "program": PROGRAMS[pair.route.flavour]}
        for key, (pair, record) in records.items()
    ]
    return {answer["key"]: answer for answer in _asked(tasks, seconds)}


def _asked(tasks: list[dict[str, Any]], seconds: float) -> Iterator[dict[str, Any]]:
    """The answers of a process for each library."""
    shares = [[task for task in tasks if task["program"] == program] for program in sorted(set(PROGRAMS.values()))]
    until = time.monotonic() + seconds
    with ThreadPoolExecutor() as pool:
        for answers in pool.map(lambda share: _answers(share, until), filter(None, shares)):
            yield from answers


def _known() -> dict[str, dict[str, Any]]:
    path = home() / "truths.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {answer["key"]: answer for answer in map(json.loads, lines)}


def _answers(tasks: list[dict[str, Any]], until: float) -> list[dict[str, Any]]:
    """The answers of one process, and of another one after it if it died."""
    answers: list[dict[str, Any]] = []
    program = tasks[0]["program"]
    stem = home() / "runs" / f"{program}-{os.getpid()}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    left = tasks
    while left and time.monotonic() < until:
        lines, code = _run(left, stem, until)
        answers += [line for line in lines if "begun" not in line]
        if code in (0, LATE):
            break
        begun = [line["begun"] for line in lines if "begun" in line]
        if not begun:
            raise SystemExit(f"{program}: no process comes up; see {stem}.log")
        at = next(number for number, task in enumerate(left) if task["key"] == begun[-1])
        answers.append(_dead(left[at], code))
        left = left[at + 1 :]
    return [answer for answer in answers if answer]


def _dead(task: dict[str, Any], code: int) -> dict[str, Any]:
    """What is kept of a task that took its process with it."""
    said = f"the process died ({code})"
    if "load" in task:
        return {"id": task["load"], "key": task["key"], "skipped": said}
    Path(task["record"]).write_text(json.dumps({"unsaved": said}), "utf-8")
    return {}


def _run(tasks: list[dict[str, Any]], stem: Path, until: float) -> tuple[list[dict[str, Any]], int]:
    """What one process wrote, and how it ended."""
    asked, written = Path(f"{stem}.tasks"), Path(f"{stem}.answers")
    asked.write_text("".join(json.dumps(task) + "\n" for task in tasks), "utf-8")
    written.unlink(missing_ok=True)
    legacy = "1" if tasks[0]["program"] == "tf_keras" else "0"
    with Path(f"{stem}.log").open("w") as log:
        try:
            code = subprocess.run(
                [sys.executable, str(HERE / "truth.py"), str(asked), str(written)],
                stdout=log,
                stderr=log,
                env={**os.environ, "TF_USE_LEGACY_KERAS": legacy},
                timeout=max(1.0, until - time.monotonic()),
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = LATE
    text = written.read_text("utf-8") if written.exists() else ""
    return [json.loads(line) for line in text.splitlines() if line.endswith("}")], code
