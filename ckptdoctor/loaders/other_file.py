"""A file that neither TensorFlow nor Keras loads into such a graph: it can only be converted."""

from __future__ import annotations

from ckptdoctor.loaders.restore import Restore


def loads(restore: Restore) -> bool:
    """Whatever no other loader takes."""
    return True


def sentence(restore: Restore) -> str:
    """What would fit once it is converted."""
    wrong, absent = len(restore.wrong_shape), len(restore.absent)
    fits = f"{wrong} variables differ and {absent} are missing" if wrong or absent else "every variable is in it"
    return f"TensorFlow does not restore this file itself; converted to a checkpoint, {fits}."
