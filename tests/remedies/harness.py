"""Real programs and real checkpoints for what a remedy prints, and what has become of the variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ckptdoctor.diagnosis.example import Example
from ckptdoctor.specs.command import Command
from tests.conftest import ROOT
from tests.remedies.values import own_value, stored_value


class Programs:
    """The process with TensorFlow, and where it works."""

    def __init__(self, log: Path) -> None:
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
        self.log = log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.remedies.programs"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment, cwd=ROOT,
        )  # fmt: skip

    def ask(self, action: str, **job: Any) -> str:
        """Does a job; gives what was raised, empty if nothing was."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"action": action, **job}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the process died: {Path(self.log.name).read_text()[-2000:]}"
        return str(json.loads(line)["error"])

    def close(self) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)
        self.log.close()


@dataclass(frozen=True)
class Built:
    """An example made real: `model.ckpt` and `graph.meta` in a directory, and the program's variables."""

    directory: Path
    variables: dict[str, dict[str, Any]]
    entries: dict[str, tuple[list[int], str]]

    def own(self, name: str) -> np.ndarray:
        item = self.variables[name]
        return own_value(name, item["shape"], item["dtype"]).astype("float64")

    def stored(self, key: str) -> np.ndarray:
        return stored_value(key, *self.entries[key]).astype("float64")


def build(programs: Programs, example: Example, directory: Path) -> Built:
    """Makes the checkpoint of an example, and its graph as a Saver exports it."""
    variables = {}
    for item in example.graph_spec().variables:
        use = item.consumer
        variables[item.name] = {
            "shape": item.spec.shape,
            "dtype": str(item.spec.dtype),
            "resource": item.resource,
            "op": use.op if use else "",
            "input": use.input_shape if use else None,
            "flattened": use.flattened if use else None,
            "padding": use.padding if use else "",
        }
    entries = {
        key: (list(entry.spec.shape), str(entry.spec.dtype)) for key, entry in example.inventory().entries.items()
    }
    built = Built(directory, variables, entries)
    prefix, meta = str(directory / "model.ckpt"), str(directory / "graph.meta")
    assert not programs.ask("save bundle", prefix=prefix, entries=entries)
    assert not programs.ask("save meta graph", path=meta, variables=variables)
    return built


def run_command(command: Command, directory: Path) -> subprocess.CompletedProcess[str]:
    """A printed command in a shell, with the real program on the path."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", str(command)],
        cwd=directory, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def values_in(file: Path) -> dict[str, np.ndarray]:
    """What a job wrote."""
    with np.load(file) as data:
        return {str(name): data[f"v{number}"] for number, name in enumerate(data["names"])}
