"""One rule a file, named for its condition. `RULES` is the table, in the order in which they may explain things.

A rule is a module with `RULE`, its row in the table of codes, `FIRES` and `SILENT`, its examples, and `check(case)`, which
gives a diagnostic for each finding. What a diagnostic covers is explained, and later rules do not see it: the particular stands before the general.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.rules import (
    absent_data,
    ambiguous_names,
    anchors_per_location,
    auto_numbered_names,
    averages_only,
    batchnorm_statistics,
    bias_for_batchnorm,
    class_count,
    conv_for_dense,
    dense_for_conv,
    depthwise_for_conv,
    dtype_mismatch,
    global_step,
    graph_built_twice,
    hidden_width,
    input_channels,
    input_size,
    layer_between,
    layer_count,
    layers_at_top_level,
    layout_transpose,
    load_fails,
    matched_by_shape,
    missing_flatten,
    missing_variable,
    moving_averages,
    multi_gpu_wrapper,
    naming_dialect,
    never_built,
    no_object_graph,
    optimizer_slots,
    order_differs,
    other_depth,
    other_network,
    other_optimizer,
    partitioned_variable,
    passed_over,
    pooled_for_flattened,
    quantization_variables,
    quantized_weights,
    rnn_cell,
    scope_prefix,
    shape_mismatch,
    stale_checkpoint,
    step_dtype,
    unexpected_key,
    upscale_factor,
    vocabulary_size,
    weights_of_layer,
    width_multiplier,
)


class RuleModule(Protocol):
    """What a rule's module provides."""

    RULE: Rule

    @property
    def FIRES(self) -> tuple[Example, ...]:  # noqa: N802, a module's constant
        """Examples that it fires on."""
        ...

    @property
    def SILENT(self) -> tuple[Example, ...]:  # noqa: N802, the same
        """Examples that it leaves alone."""
        ...

    def check(self, case: Case) -> Iterator[Diagnostic]:
        """The findings in what is still unexplained."""
        ...


RULES: tuple[RuleModule, ...] = (
    quantized_weights,
    conv_for_dense,
    dense_for_conv,
    missing_flatten,
    depthwise_for_conv,
    layout_transpose,
    rnn_cell,
    anchors_per_location,
    vocabulary_size,
    upscale_factor,
    class_count,
    input_channels,
    width_multiplier,
    pooled_for_flattened,
    input_size,
    hidden_width,
    shape_mismatch,
    step_dtype,
    dtype_mismatch,
    stale_checkpoint,
    graph_built_twice,
    layer_count,
    multi_gpu_wrapper,
    scope_prefix,
    auto_numbered_names,
    naming_dialect,
    matched_by_shape,
    ambiguous_names,
    partitioned_variable,
    averages_only,
    other_optimizer,
    optimizer_slots,
    moving_averages,
    global_step,
    quantization_variables,
    batchnorm_statistics,
    bias_for_batchnorm,
    layer_between,
    other_depth,
    other_network,
    missing_variable,
    order_differs,
    no_object_graph,
    absent_data,
    never_built,
    layers_at_top_level,
    weights_of_layer,
    passed_over,
    load_fails,
    unexpected_key,
)
