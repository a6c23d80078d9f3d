"""`make bench`: every claim about speed, as ratios of things measured in one run; writes docs/benchmarks.md.

ROUNDS=5 BENCH_DIR=/tmp BENCH_GIGABYTES=8 python benchmarks/bench.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import made
from measured import ENVIRONMENT, ROUNDS, Side, machine, run, table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
GIGABYTES = int(os.environ.get("BENCH_GIGABYTES", "8"))
DOCTOR = [sys.executable, "-m", "ckptdoctor"]
INPUT = ["--input", "images:Nx224x224x3"]
INSPECT = [sys.executable, "-m", "tensorflow.python.tools.inspect_checkpoint"]

HEAD = """# Benchmarks

Written by `make bench`. Every ratio is of two things measured in the same run on the same machine: the median of
{rounds} rounds ({few} where gigabytes are written), in each of which all sides run one after another, as whole commands,
the start of Python and every import counted. Peak memory is that of the largest process of a command. Files are in the page
cache; `ckptdoctor` writes to the disk before it says that it wrote (fsync), `cp` does not.

{machine}.
"""


TAIL = """## Why it stops there

- Start-up is the interpreter's, and the command line's library. Nothing that a command does not need is imported: neither NumPy to list,
  nor rich's tables for `--version`.
- Listing is one pass over the index in Python: a block's entries, a message each, and what is printed. A message of a million
  takes a gigabyte if it is kept, so only its bytes are.
- A conversion that keeps the bytes lets the kernel copy (`copy_file_range`, which shares blocks on file systems that can) while the other
  core compares checksums. What it takes beyond `cp` is the start of Python and the write to the disk, which `cp` leaves for
  later: `cp` and `sync` is the fair side.
- Where tensors are taken one by one (other formats, dropped or computed tensors), reading, checking and writing follow each other on
  one core.
- A transpose reads a mapped tensor along the axis that lies farthest apart, and gives back what it touched: bounded memory is
  paid for with reading parts again.
- `verify` and `--values` run at the speed of the checksum and of the comparison, from the page cache; on a disk they wait for it.
"""


def shell(text: str) -> list[str]:
    return ["sh", "-c", text]


def small() -> list[str]:
    """Start-up, listing, comparing, checking."""
    vgg, weights = "v2/vgg_16.ckpt", "vgg.weights.h5"
    config = made.checks(10)
    run([*DOCTOR, "check", "--config", config])
    run([*DOCTOR, "diff", "graph.py", vgg, *INPUT])
    made.many(100_000, "n100000")
    made.many(1_000_000, "n1000000")
    return [
        table(
            "Start-up",
            [
                Side("`python -c pass`", [sys.executable, "-c", "pass"]),
                Side("`ckptdoctor --version`", [*DOCTOR, "--version"]),
                Side("`ckptdoctor --help`", [*DOCTOR, "--help"]),
                Side("`check`, ten pairs, traces cached", [*DOCTOR, "check", "--config", config]),
            ],
        ),
        table(
            "Listing a VGG16 (32 variables, 553 MB)",
            [
                Side("`inspect_checkpoint`", [*INSPECT, f"--file_name={vgg}"]),
                Side("`ckptdoctor inspect`, V2", [*DOCTOR, "inspect", vgg]),
                Side("`ckptdoctor inspect`, V1", [*DOCTOR, "inspect", "v1/vgg_16.ckpt"]),
                Side("`KerasFileEditor(...).summary()`", made.script(made.EDITOR, weights)),
                Side("`ckptdoctor inspect`, Keras weights", [*DOCTOR, "inspect", weights]),
            ],
        ),
        *(
            table(
                f"Listing {count:,} variables",
                [
                    Side("`inspect_checkpoint`", [*INSPECT, f"--file_name=n{count}"]),
                    Side("`tf.train.list_variables`", made.script(made.LIST, f"n{count}")),
                    Side("`ckptdoctor inspect --table`", [*DOCTOR, "inspect", f"n{count}", "--table"]),
                    Side("`ckptdoctor inspect`", [*DOCTOR, "inspect", f"n{count}"]),
                ],
                3,
            )
            for count in (100_000, 1_000_000)
        ),
        table(
            "Comparing a VGG16",
            [
                Side("`inspect_checkpoint`", [*INSPECT, f"--file_name={vgg}"]),
                Side("`diff graph.py`, built anew", [*DOCTOR, "diff", "graph.py", vgg, *INPUT, "--no-cache"]),
                Side("`diff graph.py`, trace cached", [*DOCTOR, "diff", "graph.py", vgg, *INPUT]),
                Side("`diff` with another checkpoint", [*DOCTOR, "diff", "v1/vgg_16.ckpt", vgg]),
            ],
        ),
        table(
            "Reading a VGG16's values",
            [
                Side("`cat` of both files", shell("cat v1/vgg_16.ckpt v2/vgg_16.ckpt.data* > /dev/null")),
                Side("`verify`, V2", [*DOCTOR, "verify", vgg]),
                Side("`diff --values`, V1 and V2", [*DOCTOR, "diff", "v1/vgg_16.ckpt", vgg, "--values"]),
                Side("`inspect --stats`", [*DOCTOR, "inspect", vgg, "--stats"]),
            ],
        ),
    ]


def conversions() -> list[str]:
    """A VGG16 rewritten in each way that bytes can go."""
    vgg, data, out = "v2/vgg_16.ckpt", "v2/vgg_16.ckpt.data-00000-of-00001", "out/made"
    run([*DOCTOR, "convert", vgg, "source.safetensors"])
    transposed = ["--kernels", "tensorflow:pytorch"]
    return [
        table(
            "Convolutions to dense layers, 553 MB",
            [
                Side("`cp` of the data", ["cp", data, out], out),
                Side("`cp` and `sync`", shell(f"cp {data} {out} && sync {out}"), out),
                Side("`convert --conv-to-dense`, V2 to V2", [*DOCTOR, "convert", vgg, out, "--conv-to-dense"], out),
                Side("the same with `--link`", [*DOCTOR, "convert", vgg, out, "--conv-to-dense", "--link"], out),
                Side("V1 to V2", [*DOCTOR, "convert", "v1/vgg_16.ckpt", out, "--conv-to-dense"], out),
                Side("TensorFlow: load, reshape, save", made.script(made.SCRIPT, vgg, out), out),
                Side("TensorFlow: `Saver(reshape=True)`, save", made.script(made.RESHAPE, vgg, out), out),
            ],
            3,
        ),
        table(
            "Values computed, 553 MB",
            [
                Side("`cp` and `sync`", shell(f"cp source.safetensors {out} && sync {out}"), out),
                Side("every kernel transposed", [*DOCTOR, "convert", vgg, out, *transposed], out),
                Side(
                    "cast to float16",
                    [*DOCTOR, "convert", "source.safetensors", f"{out}.safetensors", "--dtype", "float16"],
                    out,
                ),
                Side("safetensors and NumPy: cast to float16", made.script(made.CAST, "source.safetensors", out), out),
            ],
            3,
        ),
    ]


def large() -> list[str]:
    """Gigabytes in sixteen shards."""
    made.large("large", GIGABYTES, 16)
    out = "out/made"
    return [
        table(
            f"{GIGABYTES} GiB in 16 shards",
            [
                Side("`cp`", shell("cp large.data* out/"), "out/large"),
                Side("`cp` and `sync`", shell("cp large.data* out/ && sync out/*"), "out/large"),
                Side("`convert --rename`", [*DOCTOR, "convert", "large", out, "--rename", "^layer=block"], out),
                Side("`convert` to safetensors", [*DOCTOR, "convert", "large", f"{out}.safetensors"], out),
                Side("`verify`", [*DOCTOR, "verify", "large"]),
                Side("`cat > /dev/null`", shell("cat large.data* > /dev/null")),
            ],
            2,
        )
    ]


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
        os.chdir(directory)
        ENVIRONMENT["XDG_CACHE_HOME"] = f"{directory}/cache"
        Path("out").mkdir()
        made.vgg()
        sections = [HEAD.format(rounds=ROUNDS, few="2 or 3", machine=machine())]
        for part in (small, conversions, large):
            for section in part():
                print(section, flush=True)
                sections.append(section)
        PAGE.write_text("\n".join([*sections, TAIL]))


if __name__ == "__main__":
    main()
