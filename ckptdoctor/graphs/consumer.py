"""What `ckptdoctor.graph_worker.consumers` says of a weight, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckptdoctor.specs.graph import Consumer
from ckptdoctor.specs.tensor import Shape


def consumer_of(use: Mapping[str, Any] | None) -> Consumer | None:
    """A consumer from its fields, as `ckptdoctor.graph_worker.consumers.described` gives them."""
    if use is None:
        return None
    return Consumer(
        use["op"],
        use["name"],
        _shape(use["input_shape"]),
        use["padding"],
        tuple(use["strides"]),
        use["data_format"],
        use["producer"],
        _shape(use["flattened"]),
        use["flattened_axes"],
        use["moved_by"],
        use["transposed"],
    )


def _shape(sizes: list[int] | None) -> Shape | None:
    return None if sizes is None else tuple(sizes)
