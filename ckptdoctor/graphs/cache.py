"""Traces kept by content, so that an unchanged graph costs no TensorFlow import the second time.

A trace is found by what was asked, and it holds if everything that it was made from is unchanged: the user's files by
their checksums, and the frameworks by the directories whose names carry their versions.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from ckptdoctor.graph_worker.protocol import SCHEMA, check_graph
from ckptdoctor.graphs.child import WORKER
from ckptdoctor.graphs.request import GraphRequest

_ENVIRONMENT = ("PYTHONPATH", "KERAS_BACKEND", "TF_USE_LEGACY_KERAS")


def load(request: GraphRequest) -> dict[str, Any] | None:
    """The kept trace of a request, if it still holds."""
    try:
        kept = json.loads(_path(request).read_bytes())
        if all(_digest(Path(file)) == digest for file, digest in kept["files"].items()) and all(
            Path(directory).exists() for directory in kept["graph"]["distributions"]
        ):
            return check_graph(kept["graph"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # absent, or written by something else: trace again
    return None


def store(request: GraphRequest, graph: dict[str, Any]) -> None:
    """Keeps a trace; a cache that cannot be written is no error."""
    path = _path(request)
    try:
        files = {file: _digest(Path(file)) for file in graph["files"]}
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump({"files": files, "graph": graph}, file)
        Path(file.name).replace(path)
    except OSError:
        return


def _path(request: GraphRequest) -> Path:
    python = Path(request.python)
    question = {
        "schema": SCHEMA,
        "worker": [_digest(file) for file in sorted(WORKER.glob("*.py"))],
        "directory": str(Path.cwd()),
        "target": request.target,
        "name": request.name,
        "inputs": [[item.name, item.shape, item.dtype] for item in request.inputs],
        "args": [[name, repr(value)] for name, value in request.args],
        # A virtual environment's interpreter is a link: its own path tells which packages it sees.
        "python": [str(python), str(python.resolve()), python.resolve().stat().st_mtime_ns if python.exists() else 0],
        "environment": {name: os.environ.get(name) for name in _ENVIRONMENT},
    }
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()
    return Path(user_cache_path("ckptdoctor")) / "traces" / f"{digest}.json"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
