"""From a request on standard input to an answer on a file descriptor."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from .choice import build
from .description import describe
from .initial import initial
from .problem import Problem
from .program import Program
from .protocol import SCHEMA, Invalid, check_request
from .restore import restore
from .restraints import limit_memory
from .run import run


def main() -> None:
    """Answers the request on standard input, and leaves at once: what the user's code has started is not waited for."""
    descriptor = int(sys.argv[1])
    data = sys.stdin.buffer.read()
    _close_input()
    encode, write = json.dumps, os.write  # as they are before the user's code runs
    try:
        answer = _handle(check_request(json.loads(data)))
    except Problem as problem:
        answer = {"error": problem.answer}
    except Invalid as error:
        answer = {"error": _internal(f"the request is not one of schema {SCHEMA}: {error}")}
    except BaseException as error:  # whatever user code raises, told to the other end
        answer = {"error": _internal(f"{type(error).__name__}: {error}")}
    encoded = encode({"schema": SCHEMA, **answer}).encode()
    while encoded:
        encoded = encoded[write(descriptor, encoded) :]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _close_input() -> None:
    """The user's code finds standard input at its end."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _internal(message: str) -> dict[str, str]:
    return {"kind": "internal", "message": message, "hint": "", "details": traceback.format_exc()}


def _handle(request: dict[str, Any]) -> dict[str, Any]:
    if request["memory"]:
        limit_memory(request["memory"])
    program = Program(request)
    build(program)
    answer: dict[str, Any] = {"graph": describe(program)}
    if request["action"] == "initial":
        answer["initial"] = initial(program, answer["graph"], request["initial"], request["outputs"])
    if request["action"] in ("restore", "run"):
        answer["restore"] = restore(program, answer["graph"], request)
    if request["action"] == "run":
        loaded = bool(answer["restore"]["values"])
        answer["run"] = run(program, request["outputs"], request["seed"]) if loaded else None
    return answer
