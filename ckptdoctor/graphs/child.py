"""The worker's other end: starts it, waits for its answer, and turns what went wrong into errors.

The answer comes over a pipe of its own, so whatever the user's program prints cannot be taken for it.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ckptdoctor.errors import CkptDoctorError, GraphError, MissingPackage, UsageError, reason
from ckptdoctor.graph_worker.protocol import SCHEMA, check_answer, pack
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.limits import GRAPH_MEMORY, GRAPH_MEMORY_VARIABLE, MAX_ANSWER, MAX_REQUEST
from ckptdoctor.specs.command import Command

WORKER = Path(__file__).parent.parent / "graph_worker"

_ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # its reordered sums would differ between two runs that are compared
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "Agg",
    "PYTHONDONTWRITEBYTECODE": "1",
}
_SHOWN_OUTPUT = 2000
_POLL, _AT_ONCE = 0.2, 1 << 16


def graph_memory() -> int:
    """The bytes that building a graph may take.

    Raises:
        UsageError: the variable that sets them is no number.
    """
    text = os.environ.get(GRAPH_MEMORY_VARIABLE, "")
    if not text:
        return GRAPH_MEMORY
    if not text.isdigit():
        raise UsageError(f"{GRAPH_MEMORY_VARIABLE}={text} is no number of bytes", hint="0 is no limit.")
    return int(text)


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
        "schema": SCHEMA,
        "action": action,
        "target": request.target,
        "name": request.name,
        "inputs": [{"name": item.name, "shape": item.shape, "dtype": item.dtype} for item in request.inputs],
        "args": {name: pack(value) for name, value in request.args},
        "lenient": False,
        # A trace allocates no weights; what it must not do is to take the machine down.
        "memory": graph_memory() if action == "trace" else 0,
        "restore": "",
        "family": "",
        "left_out": [],
        "plain": True,
        "places": {},
        "initial": [],
        "outputs": "",
        "seed": 0,
        **more,
    }
    answer, printed, died = _talk(request, question)
    if died == _LATE:
        raise GraphError(
            f"{request.source} took longer than {request.timeout:g} s to build",
            hint="Name the function that only builds the graph, or allow more time with --timeout.",
            details=printed,
        )
    if not answer:
        memory = (
            f" Or it needs more memory than it may take: {GRAPH_MEMORY_VARIABLE}=BYTES." if died in _STARVED else ""
        )
        raise GraphError(
            f"the process that built {request.source} died ({died})",
            hint=f"Run the graph's file by itself to see why: it must run as far as its variables.{memory}",
            details=printed,
        )
    try:
        result = check_answer(json.loads(answer), action)
    except (ValueError, RecursionError) as error:
        raise GraphError(
            f"the process that built {request.source} gave no valid answer: {reason(error)}",
            hint="The graph's code replaces json, or writes to files that it did not open.",
            details=printed,
        ) from error
    if "error" in result:
        raise _error(request, result["error"])
    return result


_LATE = "late"
_STARVED = ("SIGABRT", "SIGKILL")


def _talk(request: GraphRequest, question: dict[str, Any]) -> tuple[bytes, str, str]:
    """The worker's answer, the end of what the user's program printed, and how the process ended.

    What it leaves running (processes that it started hold its pipes open) ends with it.

    Raises:
        UsageError: the interpreter cannot be run, or what is asked is too long.
    """
    data = json.dumps(question).encode()
    if len(data) > MAX_REQUEST:
        raise UsageError(
            f"the graph's arguments are {len(data):,} bytes long; at most {MAX_REQUEST:,} can be passed",
            hint="Let the graph read them from a file, and pass the file's name.",
        )
    (answering, answer), (printing, output) = os.pipe(), os.pipe()
    try:
        process = subprocess.Popen(
            [request.python, str(WORKER), str(answer)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[answer],
            env={**os.environ, **_ENVIRONMENT},
            start_new_session=True,
        )
    except OSError as error:
        os.close(answering)
        os.close(printing)
        raise UsageError(
            f"{request.python} cannot be run: {error.strerror}", hint="Name an interpreter with --python."
        ) from error
    finally:
        os.close(answer)
        os.close(output)
    got = {answering: bytearray(), printing: bytearray()}
    try:
        late = _exchange(process, data, got, answering, time.monotonic() + request.timeout)
    finally:
        _kill(process)
        for pipe in got:
            os.close(pipe)
    printed = bytes(got[printing][-_SHOWN_OUTPUT:]).decode("utf-8", "replace").rstrip()
    return bytes(got[answering]), printed, _LATE if late else _ending(process.returncode)


def _exchange(
    process: subprocess.Popen[bytes], data: bytes, got: dict[int, bytearray], answering: int, deadline: float
) -> bool:
    """Sends the request and reads what comes until the process ends; whether it takes too long, or answers too much.

    Args:
        process: the worker's.
        data: the request.
        got: a pipe → what comes out of it; only the end of what is printed is kept.
        answering: the pipe of the answer.
        deadline: as `time.monotonic` counts.
    """
    assert process.stdin is not None
    asking, unsent = process.stdin, memoryview(data)
    late = False
    with asking, selectors.DefaultSelector() as waiting:
        for pipe in got:
            os.set_blocking(pipe, False)
            waiting.register(pipe, selectors.EVENT_READ)
        os.set_blocking(asking.fileno(), False)
        waiting.register(asking, selectors.EVENT_WRITE)
        # A process that has ended has said all it will; pipes may be held open by what it started.
        while waiting.get_map() and not late:
            ended = process.poll() is not None
            ready = [key for key, _ in waiting.select(0 if ended else _POLL)]
            for key in ready:
                if key.fd in got:
                    _read(key.fd, got[key.fd], waiting)
                else:
                    unsent = _write(asking, unsent, waiting)
            if ended and not any(key.fd in got for key in ready):
                break
            for pipe, read in got.items():
                if pipe != answering:
                    del read[:-_SHOWN_OUTPUT]
            late = time.monotonic() > deadline or len(got[answering]) > MAX_ANSWER
    if not late:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        late = process.poll() is None
    return late


def _write(pipe: IO[bytes], unsent: memoryview, waiting: selectors.BaseSelector) -> memoryview:
    """Sends what a pipe takes now, and closes it behind the last of it; gives the rest."""
    try:
        rest = unsent[os.write(pipe.fileno(), unsent[:_AT_ONCE]) :]
    except BlockingIOError:
        return unsent
    except BrokenPipeError:  # the process has ended without reading it
        rest = unsent[:0]
    if not rest:
        waiting.unregister(pipe)
        pipe.close()
    return rest


def _read(pipe: int, got: bytearray, waiting: selectors.BaseSelector) -> None:
    try:
        data = os.read(pipe, _AT_ONCE)
    except BlockingIOError:
        return
    if data:
        got += data
    else:
        waiting.unregister(pipe)


def _ending(code: int) -> str:
    """How a process ended, in a word."""
    if code >= 0:
        return f"status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the process and what it started in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


_LOOK = "Run the graph's file by itself to see more, or name another function or file: see ckptdoctor diff --help."


def _error(request: GraphRequest, error: dict[str, str]) -> CkptDoctorError:
    message, hint, details = error["message"], error["hint"], error["details"]
    if error["kind"] == "missing-package":
        # Here the hint is the package's name.
        install = Command((request.python, "-m", "pip", "install", *hint.split()))
        elsewhere = "or name the interpreter that has it: --python PATH"
        return MissingPackage(message, hint=f"Install it: {install}\n{elsewhere}", details=details)
    kinds: dict[str, type[CkptDoctorError]] = {"usage": UsageError, "user": GraphError}
    if error["kind"] in kinds:
        return kinds[error["kind"]](message, hint=hint or _LOOK, details=details)
    raise RuntimeError(f"the worker failed: {message}\n{details}")
