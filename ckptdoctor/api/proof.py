"""Proving a checkpoint: its checksums, its owner's own loader, equal outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckptdoctor.api.graphs import DEFAULT_TIMEOUT, Args, GraphName, Inputs, python_request
from ckptdoctor.api.opened import CheckpointName, OpenedCheckpoint, checkpoint_of
from ckptdoctor.api.opened import open as open_named
from ckptdoctor.errors import FormatError, UsageError

if TYPE_CHECKING:
    from ckptdoctor.graphs.request import GraphRequest
    from ckptdoctor.proof.outputs import Compared
    from ckptdoctor.proof.restore import Restored

__all__ = ["Verification", "check_files", "compare_outputs", "restore", "verify"]


@dataclass(frozen=True, slots=True, repr=False)
class Verification:
    """What a verification found. `str(verification)` says it in sentences.

    Attributes:
        source: the checkpoint.
        problems: what is wrong with its files, an error each; nothing below was tried if there is one.
        restored: what the owner's own loader did, if a graph was given.
        compared: how the outputs of two graphs differ, if two were given.
    """

    source: str
    problems: tuple[FormatError, ...] = ()
    restored: Restored | None = None
    compared: Compared | None = None

    @property
    def proved(self) -> bool:
        """Whether everything that was tried went well."""
        restored = self.restored is None or self.restored.proved
        return not self.problems and restored and (self.compared is None or self.compared.agrees)

    def __repr__(self) -> str:
        return f"<verification of {self.source!r}: {'ok' if self.proved else 'failed'}>"

    def __str__(self) -> str:
        from ckptdoctor.reports.plain_text import plain_text
        from ckptdoctor.reports.proof_text import print_compared, print_restored

        restored, compared = self.restored, self.compared
        if self.problems:
            return "\n".join(problem.message for problem in self.problems)
        if restored is not None:
            return plain_text(lambda console: print_restored(restored, console))
        if compared is not None:
            return plain_text(lambda console: print_compared(compared, console))
        return f"ok {self.source}: every checksum holds"


def verify(
    checkpoint: CheckpointName | OpenedCheckpoint,
    graph: GraphName | None = None,
    *,
    same_as: tuple[GraphName, CheckpointName | OpenedCheckpoint] | None = None,
    inputs: Inputs = (),
    args: Args = (),
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    python: GraphName = "",
    timeout: float = DEFAULT_TIMEOUT,
) -> Verification:
    """Proves a checkpoint: every checksum; with a graph, that its library loads it; with another pair, equal outputs.

    Args:
        checkpoint: a prefix, a file of it, a directory, or an opened checkpoint.
        graph: Python source of the graph that it is loaded into.
        same_as: another graph and its checkpoint, whose outputs on the same random inputs must be equal.
        inputs: tensor parameters, for whichever of the graphs has one of that name.
        args: other parameters, likewise.
        include, exclude: scopes of variables that are loaded, and that are left out.
        python: the interpreter that builds the graphs; the running one without it.
        timeout: seconds that building each may take.

    Raises:
        UsageError, GraphError: a graph cannot be built, restored or run.
        FormatError: the checkpoint cannot even be opened.
    """
    if same_as and graph is None:
        raise UsageError("same_as compares with graph", hint="Name the checkpoint's own graph, too.")
    opened = checkpoint if isinstance(checkpoint, OpenedCheckpoint) else open_named(checkpoint)
    problems, source = tuple(check_files(opened)), opened.source
    if problems or graph is None:
        return Verification(source, problems)
    request = python_request(graph, inputs=inputs, args=args, python=python, timeout=timeout)
    if same_as is None:
        return Verification(source, restored=restore(opened, request, include, exclude))
    other = python_request(same_as[0], inputs=inputs, args=args, python=python, timeout=timeout)
    return Verification(source, compared=compare_outputs(opened, request, same_as[1], other))


def check_files(
    checkpoint: CheckpointName | OpenedCheckpoint, advance: Callable[[int], object] = lambda size: None
) -> list[FormatError]:
    """Everything that is wrong with a checkpoint's files; empty if nothing is.

    Args:
        checkpoint: a name, or an opened checkpoint.
        advance: hears bytes as they are checked.

    Raises:
        FormatError: it cannot even be opened.
    """
    return checkpoint_of(checkpoint).verify(advance)


def restore(
    checkpoint: CheckpointName | OpenedCheckpoint,
    graph: GraphRequest,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Restored:
    """What the owner's own loader does with a checkpoint and a graph, or with a part of its variables."""
    from ckptdoctor.proof.restore import verify_restore

    return verify_restore(checkpoint_of(checkpoint), graph, include, exclude)


def compare_outputs(
    checkpoint: CheckpointName | OpenedCheckpoint,
    graph: GraphRequest,
    other_checkpoint: CheckpointName | OpenedCheckpoint,
    other_graph: GraphRequest,
) -> Compared:
    """How the outputs of two restored graphs differ on the same random inputs."""
    from ckptdoctor.proof import outputs

    return outputs.compare_outputs(((checkpoint_of(checkpoint), graph), (checkpoint_of(other_checkpoint), other_graph)))
