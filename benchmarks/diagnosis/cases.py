"""How often `explain` names the true cause of real failures: `python benchmarks/diagnosis/cases.py [cases.jsonl]`.

Each line of the file has `error`, `cause` and `established`; confirmed cases count. `cause` is a label of the collection's
own, and `RULES_OF_LABELS` says which rules are about it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ckptdoctor.diagnosis.explanation.explanation import explain

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("CKPTDOCTOR_SHARED", ROOT.parent / "shared"))

RULES_OF_LABELS = {
    "anchors_per_location": ("anchors-per-location",),
    "auto_numbered_names": ("auto-numbered-names",),
    "background_class_off_by_one": ("class-count",),
    "batchnorm_stats_not_saved": ("batchnorm-statistics",),
    "bias_vs_batchnorm": ("bias-for-batchnorm",),
    "checkpoint_from_older_code_version": ("missing-variable",),
    "conv_vs_dense": ("conv-for-dense", "dense-for-conv", "missing-flatten"),
    "corrupt_or_truncated": ("corrupt",),
    "dtype_mismatch": ("dtype-mismatch",),
    "ema_missing": ("moving-averages",),
    "framework_version_difference": ("framework-version-difference",),
    "global_step_missing": ("global-step",),
    "graph_built_twice": ("graph-built-twice",),
    "hyperparameter_width": ("hidden-width",),
    "input_channels": ("input-channels",),
    "input_size_flatten": ("input-size",),
    "keras_layer_count": ("layer-count",),
    "keras_model_not_built": ("keras-model-not-built",),
    "layout_transpose": ("layout-transpose",),
    "misleading_environment_error": ("misleading-environment-error",),
    "moved_absolute_path": ("missing-file",),
    "multi_gpu_wrapper": ("multi-gpu-wrapper",),
    "new_layers_not_in_checkpoint": ("missing-variable",),
    "num_classes": ("class-count",),
    "optimizer_slots_missing": ("optimizer-slots",),
    "partitioned_vs_whole": ("partitioned-variable",),
    "path_glob_metacharacters": ("missing-file",),
    "pooling_vs_flatten": ("pooled-for-flattened",),
    "quantization_vars_missing": ("quantization-variables",),
    "rnn_cell_implementation": ("rnn-cell",),
    "rnn_variable_rename": ("naming-dialect",),
    "scope_prefix": ("scope-prefix",),
    "stale_checkpoint_in_model_dir": ("stale-checkpoint",),
    "vocab_size": ("vocabulary-size",),
    "width_multiplier": ("width-multiplier",),
    "wrong_config_for_checkpoint": ("hidden-width",),
    "wrong_path_or_format": ("not-a-checkpoint",),
    "wrong_variant_or_depth": ("other-depth",),
}
"""The collection's labels, and the rules (or conditions without a rule) that find such a cause."""


def rank_of(case: Mapping[str, str]) -> int:
    """The place, from 0, of the true cause among those that are named; -1 where it is not."""
    true = RULES_OF_LABELS.get(case["cause"], ())
    return next((rank for rank, cause in enumerate(explain(case["error"]).causes) if cause.name in true), -1)


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "cases" / "cases.jsonl"
    for established in ("confirmed", "inferred"):
        cases = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        cases = [case for case in cases if (case["established"] == "confirmed") == (established == "confirmed")]
        ranks = Counter()
        for case in cases:
            rank = rank_of(case)
            ranks["first"] += rank == 0
            ranks["first three"] += 0 <= rank < 3
            if rank != 0:
                named = [cause.name for cause in explain(case["error"]).causes[:3]]
                print(f"  {case['id']}: {case['cause']} at {rank}; said {named}")
        for name in ("first", "first three"):
            print(f"{established}: {name} {ranks[name]}/{len(cases)} = {ranks[name] / len(cases):.0%}")


if __name__ == "__main__":
    main()
