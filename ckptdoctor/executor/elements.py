"""The elements of a tensor that a plan makes of a checkpoint; nothing is computed before it is asked for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ckptdoctor.conversion.plan import Derived
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.formats.slices import assemble_rows
from ckptdoctor.io.mapped_file import let_go
from ckptdoctor.ops.elements import Elements

if TYPE_CHECKING:
    from numpy.typing import NDArray


def elements(checkpoint: Checkpoint, derived: Derived) -> Elements:
    """The elements of a tensor of the output.

    Raises:
        UsageError: values do not allow what the plan wants, such as a convolution that is not zero between channels.
        FormatError: the source is damaged.
    """
    if derived.op is None:
        return _source(checkpoint, derived)
    parents = [elements(checkpoint, parent) for parent in derived.parents]
    return derived.op.compute(derived.spec, *parents)


def _source(checkpoint: Checkpoint, derived: Derived) -> Elements:
    """The elements of a tensor of the source: mapped, and given back before more of them are read."""
    key, spec = derived.source, derived.spec
    view = cache(lambda: checkpoint.read(key))

    def rows(start: int, stop: int) -> NDArray[Any]:
        let_go(view())
        return view()[start:stop] if spec.shape else view()

    def sliced_rows(start: int, stop: int) -> NDArray[Any]:
        pieces = list(checkpoint.pieces(key))
        assembled = assemble_rows(spec, pieces, start, stop)
        for _, values in pieces:
            let_go(values)
        return assembled

    if checkpoint.inventory.entries[key].slices:
        return Elements(spec, sliced_rows)
    return Elements(spec, rows, view)
