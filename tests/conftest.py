"""What several tests need: where the real checkpoints are, and TensorFlow without its noise."""

from __future__ import annotations

import os
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
