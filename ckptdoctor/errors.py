"""Everything ckptdoctor raises on purpose.

    CkptDoctorError          what a command prints instead of a traceback; `exit_code` is the process's
    ├── UsageError           2: the command line, a plan or a configuration asks for something impossible
    │   └── UnknownKey       2: a checkpoint has no such key; a KeyError, too
    ├── GraphError           3: the user's graph could not be built
    │   ├── MissingPackage   3: TensorFlow (or tf_slim) is not installed where the graph should be built
    │   └── RestoreRefused   3: the owner's loader does not load the checkpoint into the graph
    ├── OutputError          3: the output could not be written
    └── FormatError          3: a file is not what it should be
        ├── NotACheckpoint   3: it is another kind of file altogether (CKD001)
        ├── MissingData      3: a part of the checkpoint is not there (CKD002)
        └── Corrupt          3: a part of it is damaged (CKD003)
            └── MixedSaves   3: its files are of different saves (CKD004)

The docstring of an error with a code is its page in the documentation.

A wrong *match* between a graph and a checkpoint is no error: it is a `Diagnostic`.
"""

from __future__ import annotations

from pathlib import Path

CHECK = "Check that it is there, is a file, and may be read."
"""What to do about a file that the system does not give."""


class CkptDoctorError(Exception):
    """An error with a message for the user and the next step to take.

    Args:
        message: what is wrong, in one sentence.
        hint: what to do next; may have several lines.
        details: supporting lines shown between the two, such as the user's own traceback.
    """

    exit_code = 3
    code = ""

    def __init__(self, message: str, *, hint: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details
        if hasattr(self, "add_note"):  # from Python 3.11 on, a traceback shows it
            self.add_note(f"help: {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        """How it goes from process to process: an exception is made of `args` alone else, and the hint is not among them."""
        return _remade, (type(self), self.args, self.__dict__)


class UsageError(CkptDoctorError):
    """The request itself cannot be carried out."""

    exit_code = 2


class UnknownKey(UsageError, KeyError):
    """A checkpoint has no such key."""

    def __str__(self) -> str:
        return self.message  # a KeyError would show it quoted


class GraphError(CkptDoctorError):
    """The user's graph could not be built."""


class MissingPackage(GraphError):
    """The interpreter that should build the graph lacks a package for it."""


class RestoreRefused(GraphError):
    """The owner's loader does not load the checkpoint into the graph, or not as it is meant; its own words are the details."""


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
        hint: str,
    ) -> None:
        at = "" if offset is None else f" at byte {offset:,}"
        wanted = f"; expected {expected}" if expected else ""
        super().__init__(f"{file}: {structure}{at}: {found}{wanted}", hint=hint)
        self.file = file
        self.structure = structure
        self.offset = offset


class NotACheckpoint(FormatError):
    """not-a-checkpoint: the file is of another kind altogether.

    ## What it does
    Looks at a file's first bytes, never at its name, and says what it is: a git-lfs pointer, a web page, a zip or Keras
    file, HDF5, a pickle or PyTorch file, text.

    ## Why is this bad
    TensorFlow says `not an sstable (bad magic number)` or `Unable to open table file` of all of them.

    ## Example
    `git clone` without git-lfs leaves `version https://git-lfs.github.com/spec/v1` where the weights should be.

    ## Fix safety
    Nothing is written. Get the real file: the message says how.
    """

    code = "CKD001"


class MissingData(FormatError):
    """missing-file: a part of the checkpoint is not there.

    ## What it does
    Names the index or the shards that are missing, and the checkpoints that lie where one was looked for. A state file
    (`checkpoint`) that names a path of another machine is followed to the same name in its own directory.

    ## Why is this bad
    TensorFlow says `Failed to find any matching files for …` whether the name is wrong, a shard was not copied, or the
    state file holds an absolute path of the machine that wrote it. It also reads `[`, `]`, `*` and `?` in a path as a
    pattern, so that a file in such a directory is not found.

    ## Example
    Only `model.ckpt.data-00000-of-00002` was downloaded.

    ## Fix safety
    Nothing is written. Copy what is missing, or name the checkpoint that is there.
    """

    code = "CKD002"


class Corrupt(FormatError):
    """corrupt: a part of the checkpoint is damaged.

    ## What it does
    Checks sizes, offsets and checksums, and names the file, the structure and the byte.

    ## Why is this bad
    A truncated download fails in TensorFlow with `DataLossError`, or is read as far as it goes.

    ## Example
    `model.ckpt.data-00000-of-00001: tensor conv1/weights at byte 4,096: its checksum is …; expected …`.

    ## Fix safety
    Nothing is written. Copy or download the file again; `ckptdoctor verify` tells whether it arrived whole.
    """

    code = "CKD003"


class MixedSaves(Corrupt):
    """mixed-saves: the index and the data are of different saves.

    ## What it does
    Says so when every checksum of a shard fails although its size fits: the bytes are whole, and are not those that the
    index describes.

    ## Why is this bad
    Two training runs wrote to one prefix, or files of two steps were copied over each other. The values are those of
    another step, or of another variable.

    ## Example
    `model.ckpt.index` of step 1000 beside `model.ckpt.data-00000-of-00001` of step 2000.

    ## Fix safety
    Nothing is written. Copy index and data of one save together.
    """

    code = "CKD004"


def _remade(kind: type[CkptDoctorError], args: tuple[object, ...], state: dict[str, object]) -> CkptDoctorError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def reason(error: BaseException) -> str:
    """What a library's exception says, in one line; its name where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
