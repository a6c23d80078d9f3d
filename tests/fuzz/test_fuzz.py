"""Damaged real files, from Hypothesis, in a fixed budget; `make fuzz` lets atheris look for what coverage leads it to."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import COUNTED
from tests.fuzz.targets import TARGETS, run

BUDGET = int(os.environ.get("CKPTDOCTOR_FUZZ", "120"))
INTERESTING = st.sampled_from(
    [
        b"\0",
        b"\xff",
        b"\x7f",
        b"\x80",
        b"\xff" * 4,
        b"\0" * 4,
        b"\xff" * 9 + b"\x01",
        b"\x7f" + b"\xff" * 7,
        b"../",
        b"\x1b[",
    ]
)
MUTATION = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["set", "insert", "delete", "repeat", "cut"]),
    INTERESTING | st.binary(min_size=1, max_size=6),
    st.integers(1, 64),
)


def mutated(data: bytes, mutations: list[tuple[float, str, bytes, int]]) -> bytes:
    made = bytearray(data)
    for where, kind, piece, size in mutations:
        at = int(where * len(made))
        if kind == "set":
            made[at : at + len(piece)] = piece
        elif kind == "insert":
            made[at:at] = piece
        elif kind == "delete":
            del made[at : at + size]
        elif kind == "repeat":
            made[at:at] = made[at : at + size] * 3
        else:
            del made[at:]
    return bytes(made)


@cache
def seeds(target: Callable[[bytes], None]) -> list[bytes]:
    return TARGETS[target]()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.__name__)
def test_nothing_but_an_error_of_ours_escapes(target: Callable[[bytes], None]) -> None:
    @settings(max_examples=BUDGET, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data(), st.lists(MUTATION, min_size=0, max_size=4))
    def law(data: st.DataObject, mutations: list[tuple[float, str, bytes, int]]) -> None:
        COUNTED["damaged inputs given to readers"] += 1
        listed = seeds(target)
        run(target, mutated(listed[data.draw(st.integers(0, len(listed) - 1))], mutations))

    law()
