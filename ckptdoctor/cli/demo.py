"""`ckptdoctor demo`: the whole story on files that it makes."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ckptdoctor.cli.options import ForceOption
from ckptdoctor.cli.terminal import command, working
from ckptdoctor.errors import GraphError, MissingPackage, OutputError

_FILES = Path(__file__).with_name("demo_files")
_INPUT = ["--input", "images:Nx224x224x3"]


@command
def demo(
    directory: Annotated[Path, typer.Argument(help="Where to put the files; they stay there to play with.")] = Path(
        "ckptdoctor-demo"
    ),
    force: ForceOption = False,
    files_only: Annotated[bool, typer.Option("--files-only", help="Make the files, and tell nothing.")] = False,
) -> None:
    """Tell the whole story on files that it makes.

    diff, convert, diff, verify: on a small VGG16, with tf_slim.

    Examples:

        ckptdoctor demo
        ckptdoctor demo /tmp/vgg --force
        ckptdoctor demo vgg --files-only
    """
    for package, name in (("tensorflow", "tensorflow"), ("tf_slim", "tf-slim")):
        if find_spec(package) is None:
            raise MissingPackage(f"the demo needs {name}", hint="Install it: pip install 'ckptdoctor[tf]'")
    if directory.exists() and any(directory.iterdir()) and not force:
        raise OutputError(f"{directory} is not empty", hint="Choose another directory, or pass --force.")
    directory.mkdir(parents=True, exist_ok=True)
    for source in sorted(_FILES.glob("*.py")):
        shutil.copy(source, directory)
    typer.echo(f"A small VGG16 in slim's form, saved by TensorFlow as {directory}/vgg_16.ckpt")
    with working("saving"):
        _save(directory)
    if files_only:
        return
    same_as = ["--same-as", "conv_vgg.py", "vgg_16.ckpt"]
    story: tuple[tuple[str, list[str], int], ...] = (
        ("What the checkpoint holds: fc6, fc7 and fc8 are convolutions.", ["inspect", "vgg_16.ckpt", "--table"], 0),
        ("A dense VGG16 against it. Its fc6 lacks a flatten:", ["diff", "dense_vgg.py", "vgg_16.ckpt", *_INPUT], 1),
        ("The same with the flatten:", ["diff", "flattened_vgg.py", "vgg_16.ckpt", *_INPUT], 1),
        (
            "A checkpoint that fits:",
            ["convert", "vgg_16.ckpt", "fitted.ckpt", "--graph", "flattened_vgg.py", *_INPUT, "--force"],
            0,
        ),
        ("It fits:", ["diff", "flattened_vgg.py", "fitted.ckpt", *_INPUT], 0),
        ("TensorFlow restores it:", ["verify", "fitted.ckpt", "--graph", "flattened_vgg.py", *_INPUT], 0),
        (
            "And both networks compute the same:",
            ["verify", "fitted.ckpt", "--graph", "flattened_vgg.py", *same_as, *_INPUT],
            0,
        ),
    )
    for number, (text, words, expected) in enumerate(story, 1):
        typer.secho(f"\n{number}. {text}", bold=True)
        typer.echo(f"$ {shlex.join(['ckptdoctor', *words])}\n")
        _run(directory, [sys.executable, "-m", "ckptdoctor", *words], expected)
    typer.secho(f"\nThe files are in {directory}: change them, and run the commands again there.", bold=True)


def _save(directory: Path) -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "conv_vgg.py", "vgg_16.ckpt"],
        cwd=directory,
        env=quiet,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GraphError(
            "TensorFlow could not save the demo's checkpoint",
            details=done.stderr[-2000:],
            hint="Try TensorFlow by itself: python -c 'import tensorflow, tf_slim'",
        )


def _run(directory: Path, words: list[str], expected: int) -> None:
    sys.stdout.flush()
    done = subprocess.run(words, cwd=directory, check=False)
    if done.returncode != expected:
        raise RuntimeError(f"{words} exited with {done.returncode}, expected {expected}")
