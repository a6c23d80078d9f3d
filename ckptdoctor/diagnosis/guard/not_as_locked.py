"""not-as-locked: the checkpoint or its lock has changed.

## What it does
Compares each checkpoint of the configuration with what `ckptdoctor lock` wrote about it into `ckptdoctor.lock`: the sizes
and SHA-256 of its files (a git-lfs pointer tells both), and its variables where the files are there.

## Why is this bad
Where the file itself is absent, in continuous integration or a fresh clone, `ckptdoctor check` compares the graph with the lock.
A lock that describes another file proves nothing.

## Example
Somebody replaces `weights/vgg.ckpt` by a newer training and does not run `ckptdoctor lock`.

## Fix safety
`ckptdoctor lock` writes the lock anew, if the file on disk is the one that is meant; else bring the locked file back.
"""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.specs.command import own_command
from ckptdoctor.specs.graph import SourceLine

RULE = Rule("CKD801", "not-as-locked", "error")


def report(checkpoint: str, message: str, difference: Sequence[str], location: SourceLine) -> Diagnostic:
    """The finding about a checkpoint that its lock does not describe; the difference is a diff, a line each."""
    remedies = (
        Remedy("if the file on disk is the right one, write the lock anew", "display-only", own_command("lock")),
        Remedy("else bring the locked file back", "display-only"),
    )
    return Diagnostic(RULE, message, key=checkpoint, evidence=tuple(difference), location=location, remedies=remedies)
