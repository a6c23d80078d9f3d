"""The operations of a plan: which tensors each takes, which one it makes, and how.

A family a file. A new operation is a class there (`op.Op` says what it has) and its line in `OPS`.
"""

from __future__ import annotations

from ckptdoctor.ops.depthwise import Gather, Spread
from ckptdoctor.ops.folding import FoldScale, FoldShift
from ckptdoctor.ops.fresh import Describe, Fill, Initialise
from ckptdoctor.ops.names import Drop, Rename
from ckptdoctor.ops.numbers import Cast, Multiply, Sum
from ckptdoctor.ops.op import Op
from ckptdoctor.ops.partitions import Join, Partition
from ckptdoctor.ops.parts import Concat, Slice
from ckptdoctor.ops.rows import Rows
from ckptdoctor.ops.shapes import Flip, Reshape, Transpose

__all__ = [
    "OPS",
    "Cast",
    "Concat",
    "Describe",
    "Drop",
    "Fill",
    "Flip",
    "FoldScale",
    "FoldShift",
    "Gather",
    "Initialise",
    "Join",
    "Multiply",
    "Op",
    "Partition",
    "Rename",
    "Reshape",
    "Rows",
    "Slice",
    "Spread",
    "Sum",
    "Transpose",
]

OPS: tuple[type[Op], ...] = (
    Rename,
    Reshape,
    Transpose,
    Flip,
    Cast,
    Multiply,
    Sum,
    Rows,
    Spread,
    Gather,
    Join,
    Partition,
    Drop,
    Slice,
    Concat,
    Initialise,
    Fill,
    Describe,
    FoldScale,
    FoldShift,
)
"""Every operation."""
