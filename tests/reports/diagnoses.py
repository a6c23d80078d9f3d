"""Diagnoses to render: the fixtures', one with names that would break a renderer, and a large one."""

from __future__ import annotations

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, SourceLine, Variable
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import TensorSpec

FLOAT = dtype_from_name("float32")
NASTY = '</script><img src=x onerror="alert(1)">|`*_[a](b)\x1b[31m\r\n::error::%0A,:\ud800\x00é'
"""Markup of every renderer, control characters, and a surrogate as an undecodable byte leaves it."""


def spec(*shape: int) -> TensorSpec:
    return TensorSpec(FLOAT, shape)


def nasty_diagnosis() -> Diagnosis:
    """Every string that comes from a user's files is hostile."""
    place = SourceLine(f"{NASTY}.py", 3, f"x = {NASTY}")
    variables = (
        Variable(f"net/{NASTY}/w", f"net/{NASTY}/w", spec(4, 4), location=place),
        Variable("net/fc/w", "net/fc/w", spec(4, 4), location=place),
    )
    entries = {key: Entry(key, spec(1, 1, 4, 4)) for key in sorted((f"net/{NASTY}/w", f"net/{NASTY}/other"))}
    inventory = Inventory(f"{NASTY}.ckpt", "tensor bundle (V2)", Family.TENSORFLOW, (), entries, (NASTY,))
    return diagnose(align(GraphSpec(f"{NASTY}.py", GraphKind.TENSORFLOW_1, variables), inventory), f"{NASTY}.py")


def large_diagnosis(layers: int = 1000) -> Diagnosis:
    """Five variables a layer, of which a few disagree."""
    variables, entries = [], {}
    roles = (("weights", (3, 3, 64, 128)), *((role, (128,)) for role in ("biases", "gamma", "beta", "moving_mean")))
    for number in range(layers):
        for role, shape in roles:
            key = f"net/block_{number // 10}/conv_{number}/{role}"
            variables.append(Variable(key, key, spec(*shape)))
            stored = (3, 3, 64, 99) if role == "weights" and number % 37 == 0 else shape
            entries[key] = Entry(key, spec(*stored))
    inventory = Inventory("large.ckpt", "tensor bundle (V2)", Family.TENSORFLOW, (), dict(sorted(entries.items())))
    return diagnose(align(GraphSpec("large.py", GraphKind.TENSORFLOW_1, tuple(variables)), inventory), "large.py")
