"""Quantized weights: whole numbers that mean something only with the scale that is stored beside them.

Source: Keras 3, keras/src/layers/core/dense.py and embedding.py, `quantize` to int8: an `int8` kernel and a `kernel_scale`.
"""

from __future__ import annotations

from ckptdoctor.specs.tensor import TensorSpec

_CODES = ("int8", "uint8", "int4", "uint4", "qint8", "quint8")
_LEAST_RANK = 2


def holds_codes(stored: TensorSpec, declared: TensorSpec) -> bool:
    """Whether a stored kernel or table is of codes where the graph declares numbers: a cast would make nonsense of them."""
    return stored.dtype.name in _CODES and declared.dtype.is_floating and len(stored.shape) >= _LEAST_RANK
