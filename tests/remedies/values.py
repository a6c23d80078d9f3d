"""Values that tell where they come from: every tensor's own, everywhere different."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np


def stored_value(key: str, shape: Sequence[int], dtype: str) -> np.ndarray:
    """What the checkpoint holds under a key: all above zero."""
    return _value(f"stored {key}", shape, dtype)


def own_value(name: str, shape: Sequence[int], dtype: str) -> np.ndarray:
    """What a variable is initialised with: all below zero."""
    return -_value(f"own {name}", shape, dtype)


def _value(what: str, shape: Sequence[int], dtype: str) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64))
    base = 1 + crc32(what.encode()) % 1000
    # Multiples of an eighth, as far as float16 and bfloat16 go.
    steps = np.arange(size, dtype=np.float64) % 97
    value = base + steps if "int" in dtype else (base % 50 + steps) / 8
    return value.reshape(tuple(shape)).astype("float32" if dtype == "bfloat16" else dtype)
