"""A remedy as plain text, for formats whose readers lay nothing out."""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnostic import Remedy


def remedy_text(remedy: Remedy) -> str:
    """The title, and below it what there is to paste."""
    return f"help: {remedy.title}\n{remedy.code}".rstrip()
