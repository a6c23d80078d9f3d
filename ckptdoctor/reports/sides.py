"""What the graph declares against what the checkpoint holds, in TensorFlow's order and words."""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.specs.tensor import TensorSpec, show_shape


def show_sides(diagnostic: Diagnostic) -> str:
    """`lhs [4096,4096] vs rhs [1,1,4096,4096]`, with types where they matter; empty if neither side has anything."""
    lhs, rhs = diagnostic.lhs, diagnostic.rhs
    if not (lhs or rhs):
        return ""
    if lhs and rhs and lhs.dtype == rhs.dtype:
        return f"lhs {show_shape(lhs.shape)} vs rhs {show_shape(rhs.shape)}"
    return f"lhs {_show(lhs)} vs rhs {_show(rhs)}"


def _show(spec: TensorSpec | None) -> str:
    return f"{show_shape(spec.shape)} {spec.dtype}" if spec else "nothing"
