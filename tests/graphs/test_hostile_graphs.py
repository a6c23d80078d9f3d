"""Graphs that do not want to be built: each gives a diagnosis, in bounded time, and no process is left behind."""

from __future__ import annotations

import textwrap
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ckptdoctor.cli.app import app


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CKPTDOCTOR_GRAPH_MEMORY", str(3 << 30))
    import numpy as np

    np.savez(tmp_path / "w.npz", w=np.ones((2, 3), np.float32))


def diff(source: str, *options: str) -> tuple[int, str, float]:
    Path("graph.py").write_text(textwrap.dedent(source))
    start = time.monotonic()
    result = CliRunner().invoke(app, ["diff", "graph.py", "w.npz", *options])
    return result.exit_code, " ".join(result.output.split()), time.monotonic() - start


def ours() -> set[int]:
    """The processes that run a worker from this directory."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
                if b"graph_worker" in command and (entry / "cwd").readlink() == Path.cwd():
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


GRAPHS = {
    "never ends": ("while True:\n    pass\n", ["--timeout", "6"], "took longer than 6 s"),
    "sleeps in a thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\nimport tensorflow as tf\n"
        "w = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched",
    ),
    "forks": (
        "import os, time\nimport tensorflow as tf\nif os.fork() == 0:\n    time.sleep(600)\n"
        "w = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched",
    ),
    "starts a process": (
        "import subprocess, tensorflow as tf\nsubprocess.Popen(['sleep', '600'])\n"
        "w = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched",
    ),
    "allocates without bound": (
        "kept = []\nwhile True:\n    kept.append(bytearray(1 << 28))\n",
        [],
        "MemoryError.*CKPTDOCTOR_GRAPH_MEMORY",
    ),
    "prints a gigabyte": (
        "import sys\nfor _ in range(1024):\n    sys.stdout.write('x' * (1 << 20))\n"
        "import tensorflow as tf\nw = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched|printed more than",
    ),
    "closes its pipes": (
        "import os\nfor number in range(3, 64):\n    try:\n        os.close(number)\n    except OSError:\n        pass\n"
        "import tensorflow as tf\nw = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "died|gave no answer",
    ),
    "segfaults": ("import ctypes\nctypes.string_at(0)\n", [], r"died \(SIGSEGV\)"),
    "kills itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", [], r"died \(SIGKILL\)"),
    "leaves at once": ("import os\nos._exit(7)\n", [], r"died \(status 7\)"),
    "answers for us": (
        "import os\nfor number in range(3, 64):\n    try:\n        os.write(number, b'{\"graph\": 1}')\n    except OSError:\n        pass\n"
        "os._exit(0)\n",
        [],
        "no valid answer",
    ),
    "prints JSON": (
        "print('{\"graph\": {\"variables\": []}}')\nimport tensorflow as tf\nw = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched",
    ),
    "needs a module": ("import a_module_that_is_not_there\n", [], "Install a_module_that_is_not_there"),
    "raises in another language": (
        "raise ValueError('размеры не совпадают \\udcff 尺寸')\n",
        [],
        "размеры не совпадают",
    ),
    "is in another encoding": ("# -*- coding: latin-1 -*-\nraise ValueError('gr\\xf6\\xdfe')\n", [], "größe"),
    "is not Python": ("\\x00\\x01\\x02 def", [], "graph.py"),
    "changes directory": (
        "import os, tensorflow as tf\nos.chdir('/')\nw = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched",
    ),
    "replaces json": (
        "import json, sys, tensorflow as tf\njson.dumps = lambda *a, **k: 'no'\nw = tf.compat.v1.get_variable('w', [2, 3])\n",
        [],
        "1 matched|no valid answer",
    ),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_gives_a_diagnosis(name: str) -> None:
    import re

    source, options, said = GRAPHS[name]
    code, output, seconds = diff(source, *options)
    assert re.search(said, output), output[-1500:]
    assert code in (0, 1, 2, 3)
    assert "bug in ckptdoctor" not in output
    assert seconds < 60
    deadline = time.monotonic() + 5
    while ours() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours() == set()


def test_a_tensorflow_that_cannot_be_imported_is_the_environments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NumPy 2 beside TensorFlow 2.13: its import raises whatever it raises."""
    package = tmp_path / "broken" / "tensorflow"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise TypeError('Unable to convert function return value')\n")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    code, output, _ = diff("import tensorflow as tf\n")
    assert code == 3
    assert "TypeError: Unable to convert function return value" in output
    assert "pip check" in output
