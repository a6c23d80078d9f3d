"""Proving a checkpoint by TensorFlow's own restore."""

from __future__ import annotations

from dataclasses import dataclass

from ckptdoctor.errors import RestoreRefused
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.graphs.child import ask_worker
from ckptdoctor.graphs.request import GraphRequest


@dataclass(frozen=True, slots=True)
class Restored:
    """What TensorFlow's own restore did.

    Attributes:
        variables: how many were restored.
        missing: variables that the checkpoint lacks.
        wrong: variables that hold another shape or other bytes than they should, a sentence each.
        refused: TensorFlow's error, if it refused.
        unconsumed: what `assert_consumed()` says of a restore by objects; empty if it holds.
    """

    variables: int
    missing: tuple[str, ...]
    wrong: tuple[str, ...]
    refused: str = ""
    unconsumed: str = ""

    @property
    def proved(self) -> bool:
        """Whether every variable holds its stored bytes in its declared shape."""
        return not (self.missing or self.wrong or self.refused)


def verify_restore(checkpoint: Checkpoint, request: GraphRequest) -> Restored:
    """Lets TensorFlow restore the checkpoint into the graph and compares every variable with the stored bytes.

    Raises:
        UsageError, GraphError: the graph cannot be built.
    """
    try:
        answer = ask_worker(request, "restore", restore=restore_name(checkpoint))["restore"]
    except RestoreRefused as error:
        return Restored(0, (), (), error.message)
    wrong = tuple(f"{item['key']} {item['what']}" for item in answer["wrong"])
    return Restored(answer["restored"], tuple(answer["missing"]), wrong, "", answer.get("unconsumed", ""))


def restore_name(checkpoint: Checkpoint) -> str:
    """The name under which TensorFlow restores a checkpoint; the shards of a V1 one are named by a pattern."""
    return checkpoint.inventory.restore_pattern or checkpoint.inventory.source
