"""What several tests need: where the real checkpoints are, and TensorFlow without its noise."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("CKPTDOCTOR_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def real() -> Path:
    """The directory of other projects' checkpoints; skips where it is absent."""
    directory = SHARED / "real"
    if not directory.is_dir():
        pytest.skip(f"no real checkpoints at {directory}; set CKPTDOCTOR_SHARED to their parent directory")
    return directory


COUNTED: Counter[str] = Counter()
"""What tests did many times, for the summary: faults injected, inputs fuzzed."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where the tests are shared out among processes, each hands over what it counted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counted"] = dict(COUNTED)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Takes over what a process counted (pytest-xdist)."""
    COUNTED.update(getattr(node, "workeroutput", {}).get("counted", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how often."""
    for what, number in COUNTED.items():
        terminalreporter.write_line(f"{number:,} {what}")
