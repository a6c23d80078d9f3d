"""Proving a checkpoint by what the network computes from it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.errors import GraphError, RestoreRefused, UsageError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.proof.restore import Restored, verify_restore
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
            restored = verify_restore(checkpoint, request, action="run", outputs=str(path), seed=seed, lenient=True)
            _require_restored(restored, checkpoint.inventory.source, request)
            outputs.append(np.squeeze(np.load(path)))
            names.append(request.source)
    one, other = outputs
    largest = float(np.max(np.abs(other), initial=0.0))
    absolute = float(np.max(np.abs(one - other), initial=0.0)) if one.shape == other.shape else float("nan")
    relative = absolute / largest if largest else absolute
    return Compared((names[0], names[1]), (one.shape, other.shape), largest, absolute, relative)


def _require_restored(restored: Restored, source: str, request: GraphRequest) -> None:
    """Refuses a graph whose outputs would not be those of the checkpoint."""
    look = f"See: {own_command('diff', operand(request.source), operand(source))}"
    if restored.reason:
        raise UsageError(restored.reason, hint=look)
    if restored.refused:
        raise RestoreRefused(f"{restored.call} fails", hint=look, details=restored.refused)
    wrong = [*restored.missing, *restored.wrong]
    if wrong:
        raise GraphError(
            f"{source} gives {', '.join(wrong[:3])} no value: the output of {request.source} would be random",
            hint=look,
        )
