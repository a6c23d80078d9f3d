"""The file itself: damaged, of another kind, or not where the path says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ckptdoctor.diagnosis.explanation.symptom import Cause, Symptom

_CHECKSUM = re.compile(r"checksum does not match|crc|block checksum|truncated", re.IGNORECASE)
_UNREADABLE = re.compile(
    r"file signature not found|not an sstable|bad magic|unable to open (table )?file", re.IGNORECASE
)
_NOT_FOUND = re.compile(
    r"Failed to (find any|get) matching files|No such file|is not a valid checkpoint", re.IGNORECASE
)
_PART = re.compile(r"\.(data-\d{5}-of-\d{5}|index|meta)|[\\/]checkpoint\b")
_GLOB = re.compile(r"[\[\]*?]")
_VERIFY = "ckptdoctor verify CHECKPOINT"


def files(symptom: Symptom) -> Iterator[Cause]:
    """Causes that lie in the file or its path."""
    text = symptom.text
    if _CHECKSUM.search(text):
        yield Cause(
            "corrupt",
            0.95,
            "The stored checksum is not that of the bytes: damaged, or of two different saves.",
            (f"{_VERIFY} names the damaged tensors; fetch the files again, all of them.",),
        )
    elif _UNREADABLE.search(text):
        part = bool(_PART.search(text))
        yield Cause(
            "not-a-checkpoint",
            0.95 if part else 0.6,
            "A part of the checkpoint was given for its prefix." if part else "The file is of another kind.",
            ("Name the prefix, without .data-…, .index or .meta.", "ckptdoctor inspect FILE says what it is."),
        )
        yield Cause(
            "corrupt",
            0.5 if part else 0.7,
            "Or the file ends too early, or a download saved something else.",
            (_VERIFY,),
        )
    elif _NOT_FOUND.search(text):
        path = symptom.path
        if _GLOB.search(path):
            yield Cause(
                "missing-file",
                0.95,
                f"{path} has characters that TensorFlow reads as a pattern.",
                ("Rename the file or its directory without [ ] * ?.",),
            )
        absolute = bool(re.match(r"[/\\]|[A-Za-z]:", path))
        yield Cause(
            "missing-file",
            0.85 if absolute else 0.5,
            f"{path or 'The path'} is not there: the `checkpoint` file of a moved directory keeps the old path.",
            ("Name the prefix itself, or correct the paths in the text file `checkpoint`.",),
        )
        yield Cause(
            "not-a-checkpoint",
            0.7,
            "There is no such checkpoint: a prefix has no suffix of its own.",
            ("ckptdoctor inspect DIRECTORY lists what is there.",),
        )
