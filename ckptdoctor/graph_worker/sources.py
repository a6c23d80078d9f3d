"""Where code comes from: which files are the user's, and which of them a graph depends on."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, Sequence, Tuple

from .problem import Problem

PACKAGE = os.path.dirname(os.path.abspath(__file__))
STDLIB = os.path.dirname(os.path.abspath(os.__file__))
_DISTRIBUTIONS = (
    "tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly", "keras", "tf-keras", "tf-slim", "numpy",
)  # fmt: skip

Frame = Tuple[str, int]
"""A file and a line, from 1."""


def is_local(path: str) -> bool:
    """Whether a source file is the user's: not of an installed package, not of Python, not of this one."""
    if not path or path.startswith("<"):
        return False
    path = os.path.abspath(path)
    if path.startswith(PACKAGE + os.sep) or "site-packages" in path or "dist-packages" in path:
        return False
    return not path.startswith(STDLIB + os.sep)


class Sources:
    """The files that the graph depends on: Python modules of the user's and what they read."""

    def __init__(self, target_file: str) -> None:
        self.target = target_file
        self._opened: set[str] = set()

    def watch(self) -> None:
        """From now on, what the user's code opens for reading counts."""
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(args[0], str) or not isinstance(args[2], int):
            return
        if args[2] & (os.O_WRONLY | os.O_RDWR):
            return
        path = os.path.abspath(args[0])
        near = path.startswith((os.getcwd(), os.path.dirname(self.target)))
        if near and is_local(path) and not path.endswith(".pyc"):
            self._opened.add(path)

    def files(self) -> list[str]:
        """All of them, absolute."""
        depended_on = {os.path.abspath(self.target)} | self._opened
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if isinstance(path, str) and path.endswith(".py") and is_local(path):
                depended_on.add(os.path.abspath(path))
        return sorted(path for path in depended_on if os.path.isfile(path))

    def frames(self, stack: Sequence[Frame]) -> list[Frame]:
        """The user's frames of a stack, innermost first: the target's own where nothing else is local."""
        local = [(name, line) for name, line in stack if is_local(name)]
        if not local:
            local = [(name, line) for name, line in stack if os.path.abspath(name) == os.path.abspath(self.target)]
        return local[::-1]


def calling_frames() -> list[Frame]:
    """The stack of the caller, outermost first."""
    frame: Any = sys._getframe(1)
    stack = []
    while frame is not None:
        stack.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return stack[::-1]


def distributions() -> list[str]:
    """Directories whose names carry the versions of the frameworks: while they exist, nothing was upgraded."""
    from importlib import metadata

    directories = set()
    for name in _DISTRIBUTIONS:
        try:
            directories.add(str(getattr(metadata.distribution(name), "_path", "")))
        except Exception:  # it is not installed, or its metadata is damaged, in any way
            continue
    return sorted(directories - {""})


def choose_lines(variables: list[dict[str, Any]]) -> None:
    """Gives each variable its `location` for its `frames`: the innermost of the user's lines.

    Where a helper makes variables of several scopes on one line, it is the line that calls the helper.
    """
    groups = [(0, variables)]
    while groups:
        depth, group = groups.pop()
        by_line: dict[Frame, list[dict[str, Any]]] = {}
        for variable in group:
            frames = variable["frames"]
            variable["location"] = frames[min(depth, len(frames) - 1)] if frames else None
            if frames:
                by_line.setdefault(tuple(variable["location"]), []).append(variable)
        for members in by_line.values():
            scopes = {member["name"].rpartition("/")[0] or member["name"] for member in members}
            deeper = {tuple(member["frames"][depth + 1]) for member in members if len(member["frames"]) > depth + 1}
            if len(scopes) > 1 and len(deeper) > 1:
                groups.append((depth + 1, members))
    for variable in variables:
        del variable["frames"]


def problem_of_user(error: BaseException, sources: Sources) -> Problem:
    """What the user's code raised, with their own frames of the traceback only, if there are any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_local(frame.filename) or frame.filename == sources.target]
    lines = traceback.format_list(own) + traceback.format_exception_only(type(error), error)
    text = "".join(lines).rstrip()
    said = str(error).strip()
    message = f"{type(error).__name__}: {said.splitlines()[0] if said else ''}"
    if isinstance(error, ImportError) and error.name:
        place = os.path.dirname(sources.target)
        hint = f"Install {error.name} for {sys.executable}, or make it importable from {place}."
        return Problem("user", message, hint, text)
    where = f"{os.path.relpath(own[-1].filename)}:{own[-1].lineno}: " if own else ""
    hint = "The graph's own code raised this; it must run as far as its variables."
    if isinstance(error, MemoryError):
        hint = "It needs more memory than building a graph may take; CKPTDOCTOR_GRAPH_MEMORY=BYTES allows more."
    return Problem("user", where + message, hint, text)
