"""What a conversion needs of memory does not depend on the size of the checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")

ROWS, COLUMNS = 100_000, 1_024  # 400 MiB of float32
LIMIT = 200_000  # kB
MEASURE = """
import re, sys
from pathlib import Path
from typer.testing import CliRunner
from ckptdoctor.cli.app import app
result = CliRunner().invoke(app, sys.argv[1:])
assert result.exit_code == 0, result.output
# Unlike ru_maxrss, this does not count what the parent had when it forked.
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A safetensors file with one large tensor, of zeros that take no room on the disk."""
    path = tmp_path_factory.mktemp("large") / "large.safetensors"
    size = ROWS * COLUMNS * 4
    header = json.dumps({"w/kernel": {"dtype": "F32", "shape": [ROWS, COLUMNS], "data_offsets": [0, size]}}).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(file.tell() + size)
    return path


@pytest.mark.parametrize(
    "options",
    [
        ["--max-shard-size", "100MB"],
        ["--dtype", "bfloat16"],
        ["--partition", "w/kernel=3@1"],
        ["--kernels", "tensorflow:pytorch", "--dtype", "float16"],
    ],
    ids=lambda options: options[0],
)
def test_a_conversion_streams(options: list[str], large: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", MEASURE, "convert", str(large), str(tmp_path / "out"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < LIMIT


def test_a_comparison_of_values_streams(large: Path) -> None:
    command = [sys.executable, "-c", MEASURE, "diff", str(large), str(large), "--values"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < LIMIT
