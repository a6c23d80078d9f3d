"""An interpreter that has imported TensorFlow already: each run of it is a fork, so that a trace costs no import.

What is run, and how, is what ckptdoctor does with any interpreter that it is given: `Warm.python` is the path of a
program that takes a program's arguments, and passes them with its files on to the process that forks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

_CLIENT = """#!{python} -ES
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as channel:
    channel.connect({address!r})
    said = {{"arguments": sys.argv[1:], "directory": os.getcwd(), "environment": dict(os.environ)}}
    files = [0, 1, 2] + [int(text) for text in sys.argv[2:] if text.isdigit()]
    socket.send_fds(channel, [json.dumps(said).encode() + b"\\n"], files)
    sys.exit(channel.recv(1)[0])
"""
_LONGEST = 120


class Warm:
    """A process that forks, and the program that asks it to."""

    def __init__(self, directory: Path, modules: list[str]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        name = "_".join(modules)
        self.python = directory / f"python_{name}"
        address = f"{tempfile.gettempdir()}/warm-{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}-{name}"
        text = _CLIENT.format(python=sys.executable, address=address)
        if not self.python.exists() or self.python.read_text("utf-8") != text:  # traces are kept by its time, too
            self.python.write_text(text, "utf-8")
            self.python.chmod(0o755)
        with (directory / f"{name}.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__, address, *modules],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"ready\n":
            raise SystemExit(f"{name} cannot be imported: see {directory / name}.log")

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def serve(address: str, modules: list[str]) -> None:
    """Imports, then forks for each that asks."""
    for name in modules:
        with contextlib.suppress(ImportError):
            __import__(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(address)  # noqa: PTH108
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(8)
        print("ready", flush=True)
        while True:
            channel, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                if os.fork() == 0:
                    _answer(channel)
                os._exit(0)
            channel.close()
            os.wait()


def _answer(channel: socket.socket) -> None:
    """Runs one program in a process of its own, and says how it ended."""
    data, files, _, _ = socket.recv_fds(channel, 1 << 20, 8)
    while not data.endswith(b"\n"):
        data += channel.recv(1 << 20)
    said = json.loads(data)
    numbers = [0, 1, 2] + [int(text) for text in said["arguments"][1:] if text.isdigit()]
    moved = [os.dup2(file, 500 + place) for place, file in enumerate(files)]
    child = os.fork()
    if child == 0:
        channel.close()
        signal.alarm(_LONGEST)
        for number, file in zip(numbers, moved, strict=True):
            os.dup2(file, number)
        os.environ.clear()
        os.environ.update(said["environment"])
        os.chdir(said["directory"])
        sys.argv = list(said["arguments"])
        try:
            runpy.run_path(sys.argv[0], run_name="__main__")
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    for file in (*moved, *files):
        os.close(file)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        channel.send(bytes([code % 256]))
    os._exit(0)


if __name__ == "__main__":
    del sys.path[0]
    serve(sys.argv[1], sys.argv[2:])
