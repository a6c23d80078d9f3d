"""What several tests need: where the real checkpoints are, and TensorFlow without its noise."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how often."""
    for what, number in COUNTED.items():
        terminalreporter.write_line(f"{number:,} {what}")
