"""The built package on other Pythons: `python -m tests.compatibility.pythons PYTHON…` prints the table.

Builds the wheel and the sdist, installs the wheel into a bare virtual environment of each PYTHON with the newest version of
everything, and runs the sdist's tests there against what is installed. With `--lowest` the package's own dependencies are
those that it names as lowest, as far as a TensorFlow that runs the tests allows.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOWEST_WITH = "tensorflow-cpu==2.19.*"
"""The oldest TensorFlow whose own requirements admit almost all of ours at their lowest, and which has a Keras 3 with our tests' classes."""
ABOVE = {"ml-dtypes": "0.5.1", "numpy": "1.26.0"}
"""What that TensorFlow requires."""


def main() -> None:
    """Builds, installs, tests, and prints a row a Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pythons", nargs="+")
    parser.add_argument("--lowest", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        wheel, sources = build(Path(directory))
        print("| Python | dependencies | tests |\n|---|---|---|", flush=True)
        for python in options.pythons:
            print("| " + " | ".join(tried(python, wheel, sources, Path(directory), options.lowest)) + " |", flush=True)


def build(directory: Path) -> tuple[Path, Path]:
    """The wheel, and the unpacked sdist without the package itself."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", directory, ROOT], check=True, capture_output=True)
    (wheel,) = directory.glob("*.whl")
    (sdist,) = directory.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(directory, filter="data")
    sources = directory / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(sources / "ckptdoctor")
    return wheel, sources


def tried(python: str, wheel: Path, sources: Path, directory: Path, lowest: bool) -> list[str]:
    """The cells of a row: the version, how it was installed, and pytest's last line."""
    environment = directory / "environment"
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([python, "-m", "venv", environment], check=True)
    binaries = environment / "bin"
    version = subprocess.run(
        [binaries / "python", "--version"], check=True, capture_output=True, text=True
    ).stdout.split()[1]
    pip = [str(binaries / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)
    wanted = [str(wheel) + "[browse]", "--group", f"{sources}/pyproject.toml:test"]
    if lowest:
        constraints = directory / "lowest.txt"
        constraints.write_text("\n".join([*floors(), LOWEST_WITH]))
        wanted += ["--constraint", str(constraints)]
    subprocess.run([*pip, *wanted], check=True)
    done = subprocess.run(
        [binaries / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=sources,
        env={**os.environ, "CKPTDOCTOR_SHARED": os.environ.get("CKPTDOCTOR_SHARED", str(ROOT.parent / "shared"))},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    print("\n".join(failed), file=sys.stderr, flush=True)
    return [version, "lowest" if lowest else "newest", lines[-1].strip("= ") if lines else done.stderr[-200:]]


def floors() -> list[str]:
    """The package's own requirements at the versions that they name, a constraint each."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    listed = text[text.index("\ndependencies = [") : text.index("]", text.index("\ndependencies = ["))]
    found = re.findall(r'"([\w-]+)>=([\d.]+)', listed)
    return [f"{name}=={ABOVE.get(name, version)}" for name, version in found]


if __name__ == "__main__":
    main()
