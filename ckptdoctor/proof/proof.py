"""Proving a checkpoint: by TensorFlow's restore, and by what the network computes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.errors import GraphError, RestoreRefused
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


@dataclass(frozen=True, slots=True)
class Compared:
    """How two graphs' outputs differ on the same random inputs.

    Attributes:
        shapes: of the two outputs, without dimensions of size 1.
        largest: the largest absolute value of the second output.
        absolute: the largest absolute difference; NaN if the shapes differ.
        relative: `absolute` as a part of `largest`.
        tolerance: what `relative` may be: float32 sums in another order differ in the last digits.
    """

    outputs: tuple[str, str]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    largest: float
    absolute: float
    relative: float
    tolerance: float = 1e-4

    @property
    def agrees(self) -> bool:
        """Whether the outputs are equal within the tolerance."""
        return self.shapes[0] == self.shapes[1] and self.relative <= self.tolerance


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
    inventory = checkpoint.inventory
    if inventory.format == "TensorFlow V1" and len(inventory.files) > 1:
        return f"{inventory.source}-?????-of-?????"
    return inventory.source


def compare_outputs(
    sides: tuple[tuple[Checkpoint, GraphRequest], tuple[Checkpoint, GraphRequest]], seed: int = 0
) -> Compared:
    """Restores both graphs, runs them on the same random inputs and compares their outputs.

    Raises:
        UsageError, GraphError: a graph cannot be built, restored or run.
    """
    import numpy as np

    outputs, names = [], []
    with tempfile.TemporaryDirectory() as directory:
        for number, (checkpoint, request) in enumerate(sides):
            path = Path(directory) / f"{number}.npy"
            answer = ask_worker(
                request, "run", restore=restore_name(checkpoint), outputs=str(path), seed=seed, lenient=True
            )
            if answer["restore"]["missing"]:
                absent = ", ".join(answer["restore"]["missing"][:3])
                raise GraphError(
                    f"{checkpoint.inventory.source} lacks {absent}: the output of {request.source} would be random",
                    hint=f"See: ckptdoctor diff {request.source} {checkpoint.inventory.source}",
                )
            outputs.append(np.squeeze(np.load(path)))
            names.append(answer["run"]["output"])
    one, other = outputs
    largest = float(np.max(np.abs(other), initial=0.0))
    absolute = float(np.max(np.abs(one - other), initial=0.0)) if one.shape == other.shape else float("nan")
    relative = absolute / largest if largest else absolute
    return Compared((names[0], names[1]), (one.shape, other.shape), largest, absolute, relative)
