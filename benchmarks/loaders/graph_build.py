"""A network as a graph of TensorFlow 1: variables under scopes, made in the order of the computation."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from nets import Net, Part, leaves
from shapes import weights_of

v1 = tf.compat.v1


def build_graph(net: Net, *, resource: bool) -> dict[str, Any]:
    """Makes the variables in the default graph; gives them by what they are."""
    wanted: list[tuple[str, str, tuple[int, ...], bool, str]] = []

    def walk(parts: tuple[Part, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
        for part in parts:
            if part.kind == "Branches":
                ends = [walk((branch,), shape) for branch in part.parts]
                shape = (*shape[:-1], sum(end[-1] for end in ends))
            elif part.parts:
                shape = walk(part.parts, shape)
            else:
                weights, shape = weights_of(part, shape)
                for name, size, trained in weights:
                    path = "/".join(item for item in (net.scope, part.name, name) if item)
                    wanted.append((f"{part.uid}/{name}", path, size, trained, part.config.get("dtype", "float32")))
        return shape

    walk(net.parts, net.shape)
    assert all(part.name for part in leaves(net.parts)), "a variable of TensorFlow 1 goes by its name"
    if net.backwards:
        wanted.reverse()
    zeros = v1.zeros_initializer()
    return {
        use: v1.get_variable(name, size, dtype, zeros, trainable=trained, use_resource=resource)
        for use, name, size, trained, dtype in wanted
    }
