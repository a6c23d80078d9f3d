"""Everything ckptdoctor raises on purpose.

    CkptDoctorError          what a command prints instead of a traceback; `exit_code` is the process's
    ├── UsageError           2: the command line, a plan or a configuration asks for something impossible
    ├── GraphError           3: the user's graph could not be built
    │   └── MissingPackage   3: TensorFlow (or tf_slim) is not installed where the graph should be built
    ├── OutputError          3: the output could not be written
    └── FormatError          3: a file is not what it should be
        ├── NotACheckpoint   3: it is another kind of file altogether
        ├── MissingData      3: a part of the checkpoint is not there
        └── Corrupt          3: a part of it is damaged

A wrong *match* between a graph and a checkpoint is no error: it is a `Diagnostic`.
"""

from __future__ import annotations

from pathlib import Path


class CkptDoctorError(Exception):
    """An error with a message for the user and, where there is one, the next step to take.

    Args:
        message: what is wrong, in one sentence.
        hint: what to do next; may have several lines.
        details: supporting lines shown between the two, such as the user's own traceback.
    """

    exit_code = 3

    def __init__(self, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(CkptDoctorError):
    """The request itself cannot be carried out."""

    exit_code = 2


class GraphError(CkptDoctorError):
    """The user's graph could not be built."""


class MissingPackage(GraphError):
    """The interpreter that should build the graph lacks a package for it."""


class OutputError(CkptDoctorError):
    """The output could not be written; nothing was left half-written."""


class FormatError(CkptDoctorError):
    """A file is not what it should be.

    Args:
        file: the file.
        structure: the part of it, such as "index block" or "footer".
        offset: bytes from the start of the file, if one can be named.
        found: what is there.
        expected: what should be there; may be empty.
        hint: what to do next.
    """

    def __init__(
        self,
        file: Path | str,
        structure: str,
        found: str,
        *,
        offset: int | None = None,
        expected: str = "",
        hint: str = "",
    ) -> None:
        at = "" if offset is None else f" at byte {offset:,}"
        wanted = f"; expected {expected}" if expected else ""
        super().__init__(f"{file}: {structure}{at}: {found}{wanted}", hint=hint)
        self.file = file
        self.structure = structure
        self.offset = offset


class NotACheckpoint(FormatError):
    """The file is of another kind altogether."""


class MissingData(FormatError):
    """A part of the checkpoint is not there."""


class Corrupt(FormatError):
    """A part of the checkpoint is damaged."""
