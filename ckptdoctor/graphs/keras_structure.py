"""A Keras model's structure as the graph's process describes it.

The other end, which says how it is written: ckptdoctor/graph_worker/keras_structure.py and keras_2_structure.py.
"""

from __future__ import annotations

from typing import Any

from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.keras_model import Child, KerasLayer, KerasModel, KerasVariable, OwnVariables, Saveable
from ckptdoctor.specs.tensor import TensorSpec


def read_structure(described: Any) -> KerasModel | None:
    """The structure; None where the process could not walk the model, or describes it in a way that is not understood."""
    if not isinstance(described, dict):
        return None
    try:
        model = KerasModel(
            int(described["generation"]),
            tuple(
                KerasVariable(str(key), TensorSpec(dtype_from_name(dtype), tuple(int(size) for size in shape)))
                for key, shape, dtype in described["variables"]
            ),
            tuple(map(_saveable, described["saveables"])),
            tuple(_children(items) for items in described["containers"]),
            tuple(
                KerasLayer(str(name), _numbers(weights), str(kind), bool(sequential))
                for name, weights, kind, sequential in described["layers"]
            ),
            None if described["top_level"] is None else _numbers(described["top_level"]),
            _numbers(described["top_level_by_name"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return model if _is_consistent(model) else None


def _saveable(described: Any) -> Saveable:
    own = described["own"]
    return Saveable(
        str(described["name"]),
        str(described["class"]),
        str(described["text"]),
        bool(described["built"]),
        None if own is None else _own(own),
        _children(described["children"]),
    )


def _own(described: Any) -> OwnVariables:
    expected, only = described["expected"], described["only"]
    return OwnVariables(
        tuple((str(name), int(variable)) for name, variable in described["assigned"]),
        None if expected is None else int(expected),
        bool(described["warns"]),
        _numbers(described["zeroed"]),
        None if only is None else tuple(map(str, only)),
        bool(described["known"]),
    )


def _children(described: Any) -> tuple[Child, ...]:
    return tuple(Child(str(name), int(saveable), int(container)) for name, saveable, container in described)


def _numbers(described: Any) -> tuple[int, ...]:
    return tuple(int(number) for number in described)


def _is_consistent(model: KerasModel) -> bool:
    """Whether every number leads to something."""
    own = [saveable.own for saveable in model.saveables if saveable.own is not None]
    variables = [number for layer in model.layers for number in layer.weights]
    variables += [number for item in own for number in (*(number for _, number in item.assigned), *item.zeroed)]
    variables += [*(model.top_level or ()), *model.top_level_by_name]
    children = [child for saveable in model.saveables for child in saveable.children]
    children += [child for container in model.containers for child in container]
    return (
        all(0 <= number < len(model.variables) for number in variables)
        and all(-1 <= child.saveable < len(model.saveables) for child in children)
        and all(-1 <= child.container < len(model.containers) for child in children)
        and all((child.saveable >= 0) != (child.container >= 0) for child in children)
    )
