"""How building a graph ends early: with something to tell the user, or because the graph is built."""

from __future__ import annotations


class Problem(Exception):
    """A failure to be shown to the user.

    Args:
        kind: one of `protocol.ERROR_KINDS`.
        message: what is wrong.
        hint: what to do next; of a `missing-package`, the package's name.
        details: such as the user's own traceback.
    """

    def __init__(self, kind: str, message: str, hint: str = "", details: str = "") -> None:
        Exception.__init__(self, message)
        self.answer = {"kind": kind, "message": message, "hint": hint, "details": details}


class Stop(BaseException):
    """The user's program starts to use the graph: what was built until now is the graph."""
