"""A target under atheris, which is led by coverage: `python -m tests.fuzz.atheris_run TARGET [libFuzzer's options]`.

`make fuzz` runs every target for FUZZ_SECONDS each.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ckptdoctor"]):
    from tests.fuzz.targets import TARGETS, run


def main() -> None:
    targets = {target.__name__: target for target in TARGETS}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        raise SystemExit(f"usage: python -m tests.fuzz.atheris_run TARGET …; targets: {', '.join(targets)}")
    target = targets[sys.argv.pop(1)]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(TARGETS[target]()):
            (Path(corpus) / str(number)).write_bytes(seed)
        atheris.Setup([*sys.argv, corpus], lambda data: run(target, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
