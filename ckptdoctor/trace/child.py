"""The worker's other end: starts it, waits for its answer, and turns what went wrong into errors.

The answer comes over a pipe of its own, so whatever the user's program prints cannot be taken for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from ckptdoctor.errors import CkptDoctorError, GraphError, MissingPackage, UsageError
from ckptdoctor.trace.request import GraphRequest

WORKER = Path(__file__).with_name("worker.py")

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its reordered sums would differ between two runs that are compared
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "Agg",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_SHOWN_OUTPUT = 2000


def ask_worker(request: GraphRequest, action: str, **more: Any) -> dict[str, Any]:
    """Runs the worker once and gives its answer.

    Args:
        request: the graph.
        action: `trace`, `restore` or `run`.
        more: further fields of the worker's request.

    Raises:
        UsageError: the graph needs an input, an argument or a name that was not given.
        MissingPackage: the interpreter lacks TensorFlow or tf_slim.
        GraphError: the user's code failed, took too long, or died.
    """
    question = {
        "action": action,
        "target": request.target,
        "name": request.name,
        "inputs": [{"name": item.name, "shape": item.shape, "dtype": item.dtype} for item in request.inputs],
        "args": dict(request.args),
        "lenient": False,
        **more,
    }
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                [request.python, str(WORKER), str(writing), json.dumps(question)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[writing],
                env={**os.environ, **_ENVIRONMENT},
                start_new_session=True,
            )
        except OSError as error:
            os.close(reading)
            raise UsageError(
                f"{request.python} cannot be run: {error.strerror}", hint="Name an interpreter with --python."
            ) from error
        finally:
            os.close(writing)
        expired = threading.Event()

        def stop() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(request.timeout, stop)
        timer.start()
        try:
            with os.fdopen(reading, "rb") as pipe:
                answer = pipe.read()
            process.wait()
        finally:
            timer.cancel()
            timer.join()
            _kill(process)
        if expired.is_set():
            raise GraphError(
                f"{request.source} took longer than {request.timeout:g} s to build",
                hint="Name the function that only builds the graph, or allow more time with --timeout.",
                details=_tail(output),
            )
        if not answer:
            raise GraphError(
                f"the process that built {request.source} died (status {process.returncode})", details=_tail(output)
            )
    result: dict[str, Any] = json.loads(answer)
    if "error" in result:
        raise _error(request, result["error"])
    return result


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    process.wait()


def _tail(output: IO[bytes]) -> str:
    """The end of what the user's program printed."""
    output.seek(0)
    return output.read().decode("utf-8", "replace")[-_SHOWN_OUTPUT:].rstrip()


def _error(request: GraphRequest, error: dict[str, str]) -> CkptDoctorError:
    message, hint, details = error["message"], error["hint"], error["details"]
    if error["kind"] == "missing-package":
        # Here the hint is the package's name.
        install = f"{request.python} -m pip install {hint}"
        return MissingPackage(message, hint=f"Install it: {install}\nor: pip install 'ckptdoctor[tf]'", details=details)
    kinds: dict[str, type[CkptDoctorError]] = {"usage": UsageError, "user": GraphError, "restore": GraphError}
    if error["kind"] in kinds:
        return kinds[error["kind"]](message, hint=hint, details=details)
    raise RuntimeError(f"the worker failed: {message}\n{details}")
