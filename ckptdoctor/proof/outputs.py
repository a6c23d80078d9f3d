"""Proving a checkpoint by what the network computes from it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.errors import GraphError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.graphs.child import ask_worker
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.proof.restore import restore_name
from ckptdoctor.specs.command import operand, own_command


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
                    hint=f"See: {own_command('diff', operand(request.source), operand(checkpoint.inventory.source))}",
                )
            outputs.append(np.squeeze(np.load(path)))
            names.append(answer["run"]["output"])
    one, other = outputs
    largest = float(np.max(np.abs(other), initial=0.0))
    absolute = float(np.max(np.abs(one - other), initial=0.0)) if one.shape == other.shape else float("nan")
    relative = absolute / largest if largest else absolute
    return Compared((names[0], names[1]), (one.shape, other.shape), largest, absolute, relative)
