"""A network as a `tf.Module`: variables as attributes, in lists, in dicts, in modules in modules."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from nets import Net, Part
from shapes import weights_of


class Holder(tf.Module):
    """Keeps what it is given as attributes."""

    def __init__(self, **held: Any) -> None:
        super().__init__()
        for name, item in held.items():
            setattr(self, name, item)


def build_module(net: Net) -> tuple[Any, dict[str, Any]]:
    """The module, and its variables by what they are."""
    made: dict[str, Any] = {}
    shape = [net.shape]

    def keep(part: Part) -> Any:
        if part.kind == "List":
            return [keep(item) for item in part.parts]
        if part.kind == "Dict":
            return {item.attr or item.uid: keep(item) for item in part.parts}
        if part.parts:
            return Holder(**{item.attr or item.uid: keep(item) for item in part.parts})
        weights, shape[0] = weights_of(part, shape[0])
        dtype = part.config.get("dtype", "float32")
        held = {
            name: tf.Variable(tf.zeros(size, dtype), trainable=trained, name=name) for name, size, trained in weights
        }
        made.update({f"{part.uid}/{name}": variable for name, variable in held.items()})
        return Holder(**held)

    module = Holder(**{part.attr or part.uid: keep(part) for part in net.parts})
    for name in net.variables:
        made[name] = tf.Variable(tf.ones(net.shape), name=name)
        setattr(module, name, made[name])
    return module, made
