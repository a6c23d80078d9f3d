"""What a restore would do, in the words of the loader that is used."""

from __future__ import annotations

from ckptdoctor import loaders
from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.loaders.restore import Restore


def outcome(alignment: Alignment) -> str:
    """What the owner's loader would do with every variable of the graph, in a sentence or two."""
    absent = [variable.key for variable in alignment.missing]
    absent += [pair.variable.key for pair in alignment.pairs if pair.renamed]
    mismatched = alignment.mismatched
    return loaders.outcome(
        Restore(
            alignment.graph,
            alignment.inventory,
            alignment.restored_by,
            tuple(absent),
            tuple((pair.variable, pair.entry) for pair in mismatched if not pair.same_dtype),
            tuple((pair.variable, pair.entry) for pair in mismatched if not pair.same_shape),
        )
    )
