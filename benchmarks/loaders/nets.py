"""A network as data: what models are made from, and what changes change.

The same network becomes a model of Keras 3, of tf_keras, of `tf.Module`, or a graph of TensorFlow 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

CONTAINERS = ("List", "Dict", "Residual", "Branches", "Chain", "Nested", "Block")
"""Kinds that hold other parts: `Nested` is a model in a model, `Block` a custom layer that holds layers."""


@dataclass(frozen=True)
class Part:
    """A layer, or what holds layers.

    Attributes:
        kind: the layer's class, or one of `CONTAINERS`, or `Again` for the layer of the same uid once more.
        uid: what it is in the network, whatever it is called: a weight is meant for the weight of the same uid.
        config: its arguments.
        name: the layer's name; empty for the automatic one.
        attr: the attribute that a subclassed model keeps it in; the uid if it is empty.
        parts: what it holds.
    """

    kind: str
    uid: str
    config: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    attr: str = ""
    parts: tuple[Part, ...] = ()

    def with_config(self, **config: Any) -> Part:
        return replace(self, config={**self.config, **config})


@dataclass(frozen=True)
class Net:
    """A whole network.

    Attributes:
        style: `sequential`, `functional`, `subclass` or `variables` (a graph of TensorFlow 1).
        shape: of the input, without the batch.
        parts: in the order of the computation.
        dtype: of the input.
        shift: how many layers of each class are made before it, so that automatic numbers are shifted.
        compiled: empty, `compiled`, or `built` (the optimizer has its slots).
        lora: the rank, of every layer that can.
        int8: whether it is quantized after it was built.
        variables: names of variables directly on the model.
        root: what a `tf.train.Checkpoint` calls it; empty where it is the root itself.
        scope: a scope around all names (TensorFlow 1).
        backwards: the branches are made in the other order, and variables of TensorFlow 1 too.
    """

    style: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    dtype: str = "float32"
    shift: int = 0
    compiled: str = ""
    lora: int = 0
    int8: bool = False
    variables: tuple[str, ...] = ()
    root: str = "model"
    scope: str = ""
    backwards: bool = False


def leaves(parts: tuple[Part, ...]) -> Iterator[Part]:
    """The layers, in order, through everything that holds layers."""
    for part in parts:
        if part.kind in CONTAINERS:
            yield from leaves(part.parts)
        else:
            yield part


def everything(parts: tuple[Part, ...]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from everything(part.parts)


def rewritten(parts: tuple[Part, ...], rule: Callable[[Part], tuple[Part, ...]]) -> tuple[Part, ...]:
    """The parts with each replaced by what a rule makes of it, from the inside out."""
    return tuple(
        new for part in parts for new in rule(replace(part, parts=rewritten(part.parts, rule)) if part.parts else part)
    )


def read_net(text: str) -> Net:
    """A network from its `repr`: the files of the targets need nothing else of the benchmark."""
    net = eval(text, {"Net": Net, "Part": Part})
    assert isinstance(net, Net)
    return net
