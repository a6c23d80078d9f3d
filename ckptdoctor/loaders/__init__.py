"""What an owner's loader does with a checkpoint: one loader a module. `LOADERS` lists those that say so in a sentence.

Such a module has `loads(restore)`, whether this loader is the one that brings such a checkpoint into such a graph, and
`sentence(restore)`, what it would do, in a sentence or two.
"""

from __future__ import annotations

from typing import Protocol

from ckptdoctor.loaders import keras_file, objects, other_file, saver
from ckptdoctor.loaders.restore import Restore


class Loader(Protocol):
    """What a loader's module provides."""

    def loads(self, restore: Restore) -> bool:
        """Whether this loader brings such a checkpoint into such a graph."""
        ...

    def sentence(self, restore: Restore) -> str:
        """What it would do with the variables of the graph."""
        ...


LOADERS: tuple[Loader, ...] = (objects, saver, keras_file, other_file)
"""The first that loads such a pair is asked."""


def outcome(restore: Restore) -> str:
    """What the owner's loader would do, in a sentence or two."""
    return next(loader for loader in LOADERS if loader.loads(restore)).sentence(restore)
