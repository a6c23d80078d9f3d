"""One rule a file, named for its condition. `RULES` is the table, in the order in which they may explain things.

A rule is a module with `RULE`, its row in the table of codes, and `check(case)`, which gives a diagnostic for each
finding. What a diagnostic covers is explained, and later rules do not see it: the particular stands before the general.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.rules import (
    ambiguous_names,
    auto_numbered_names,
    class_count,
    conv_for_dense,
    dense_for_conv,
    dtype_mismatch,
    global_step,
    matched_by_shape,
    missing_flatten,
    missing_variable,
    moving_averages,
    naming_dialect,
    optimizer_slots,
    scope_prefix,
    shape_mismatch,
    unexpected_key,
)


class RuleModule(Protocol):
    """What a rule's module provides."""

    RULE: Rule

    def check(self, case: Case) -> Iterator[Diagnostic]:
        """The findings in what is still unexplained."""
        ...


RULES: tuple[RuleModule, ...] = (
    conv_for_dense,
    dense_for_conv,
    missing_flatten,
    class_count,
    shape_mismatch,
    dtype_mismatch,
    scope_prefix,
    auto_numbered_names,
    naming_dialect,
    matched_by_shape,
    ambiguous_names,
    optimizer_slots,
    moving_averages,
    global_step,
    missing_variable,
    unexpected_key,
)
