"""What the two processes say to one another: the fields of a request and of an answer, and a check of each.

    request := {schema, action: "trace" | "restore" | "run" | "initial", target, name, inputs: [{name, shape, dtype}], args, lenient,
                memory, restore, family, left_out, plain, places,
                initial, outputs, seed}
    args    := {NAME: VALUE}; a VALUE is a Python literal as `pack` makes it JSON: tuples arrive as tuples
    answer  := {schema, graph: GRAPH, restore: RESTORED | null, run: RUN | null, initial: [INITIAL] | null}
             | {schema, error: ERROR}

The request comes on standard input, one JSON text; the answer goes to a pipe of its own. `ckptdoctor/graphs/child.py` is the
other end, and nothing that comes from the graph's process is trusted: the user's code runs in it. A trace that was kept is
checked in the same way.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping

SCHEMA = 4
"""The number of this protocol. It is part of what a kept trace is found by: raise it when a field changes its meaning."""

ACTIONS = ("trace", "restore", "run", "initial")
GRAPH_KINDS = ("TensorFlow 1 graph", "TensorFlow 2 graph", "Keras model", "TensorFlow 2 objects")
FAMILIES = ("tensorflow", "keras", "")
ERROR_KINDS = ("usage", "user", "missing-package", "internal")
_MAX_RANK = 254  # tensorflow/core/framework/tensor_shape.h, `TensorShape::MaxDimensions`
_MAX_SIZE = 2**63 - 1
_AXES = re.compile(r"(?!.*(.).*\1)[DHWC]*")

Check = Callable[[Any, str], None]
"""Looks at a value and its place; raises `Invalid`."""


class Invalid(ValueError):
    """A message that is not what the protocol says: which field, and what it should be."""


def pack(value: Any) -> Any:
    """A Python literal as JSON, for `unpack`: what JSON has not is an object of one field that says what it is.

    Raises:
        TypeError: it is no literal.
    """
    if isinstance(value, list):
        return [pack(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [pack(item) for item in value]}
    if isinstance(value, (set, frozenset)):
        return {"set": [pack(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[pack(key), pack(item)] for key, item in value.items()]}
    if isinstance(value, bytes):
        return {"bytes": value.decode("latin-1")}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{value!r} is no literal")


def unpack(value: Any) -> Any:
    """The literal that `pack` made this of."""
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "bytes":
        return inner.encode("latin-1")
    if kind == "complex":
        return complex(*inner)
    if kind == "dict":
        return {unpack(key): unpack(item) for key, item in inner}
    return (tuple if kind == "tuple" else set)(map(unpack, inner))


def _text(value: Any, place: str) -> None:
    if not isinstance(value, str):
        raise Invalid(f"{place} is no text")


def _flag(value: Any, place: str) -> None:
    if not isinstance(value, bool):
        raise Invalid(f"{place} is neither true nor false")


def _number(low: int, high: int = _MAX_SIZE) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise Invalid(f"{place} is no number from {low} to {high}")

    return check


def _one_of(*values: str) -> Check:
    def check(value: Any, place: str) -> None:
        if value not in values:
            raise Invalid(f"{place} is none of {', '.join(values)}")

    return check


def _each(check_item: Check, most: int = _MAX_SIZE) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) > most:
            raise Invalid(f"{place} is no list of at most {most}")
        for number, item in enumerate(value):
            check_item(item, f"{place}[{number}]")

    return check


def _maybe(check_value: Check) -> Check:
    def check(value: Any, place: str) -> None:
        if value is not None:
            check_value(value, place)

    return check


def _plain(value: Any, place: str) -> None:
    if value is not None and not isinstance(value, (str, int)):
        raise Invalid(f"{place} is no text, whole number, true, false or null")


def _row(*checks: Check) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, list) or len(value) != len(checks):
            raise Invalid(f"{place} is no list of {len(checks)}")
        for number, (check_item, item) in enumerate(zip(checks, value)):
            check_item(item, f"{place}[{number}]")

    return check


def _record(fields: Mapping[str, Check]) -> Check:
    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise Invalid(f"{place or 'the message'} is no record")
        for name, check_field in fields.items():
            where = f"{place}.{name}" if place else name
            if name not in value:
                raise Invalid(f"{where} is missing")
            check_field(value[name], where)

    return check


def _axes(value: Any, place: str) -> None:
    if not isinstance(value, str) or not _AXES.fullmatch(value):
        raise Invalid(f"{place} is no order of axes")


def _mapping(value: Any, place: str) -> None:
    if not isinstance(value, dict):
        raise Invalid(f"{place} is no record")


_SHAPE = _each(_number(-1), _MAX_RANK)
_TEXTS = _each(_text)

CONSUMER: dict[str, Check] = {
    "op": _text,
    "name": _text,
    "input_shape": _maybe(_SHAPE),
    "padding": _text,
    "strides": _each(_number(0), _MAX_RANK),
    "data_format": _text,
    "producer": _text,
    "flattened": _maybe(_SHAPE),
    "flattened_axes": _axes,
    "moved_by": _text,
    "transposed": _flag,
}
VARIABLE: dict[str, Check] = {
    "name": _text,
    "key": _text,
    "shape": _maybe(_SHAPE),
    "dtype": _text,
    "trainable": _flag,
    "resource": _flag,
    "collections": _TEXTS,
    "location": _maybe(_row(_text, _number(0))),
    "consumer": _maybe(_record(CONSUMER)),
    "stored": _text,
    "node": _number(-1),
    "partitioned": _flag,
}
_NUMBERS = _each(_number(0))
_CHILDREN = _each(_row(_text, _number(-1), _number(-1)))
OWN_VARIABLES: dict[str, Check] = {
    "assigned": _each(_row(_text, _number(0))),
    "expected": _maybe(_number(0)),
    "warns": _flag,
    "zeroed": _NUMBERS,
    "only": _maybe(_TEXTS),
    "known": _flag,
}
SAVEABLE: dict[str, Check] = {
    "name": _text,
    "class": _text,
    "text": _text,
    "built": _flag,
    "own": _maybe(_record(OWN_VARIABLES)),
    "children": _CHILDREN,
}
KERAS: dict[str, Check] = {
    "generation": _number(2, 3),
    "variables": _each(_row(_text, _SHAPE, _text)),
    "saveables": _each(_record(SAVEABLE)),
    "containers": _each(_CHILDREN),
    "layers": _each(_row(_text, _NUMBERS, _text, _flag)),
    "top_level": _maybe(_NUMBERS),
    "top_level_by_name": _NUMBERS,
}
GRAPH: dict[str, Check] = {
    "kind": _one_of(*GRAPH_KINDS),
    "variables": _each(_record(VARIABLE)),
    "files": _TEXTS,
    "distributions": _TEXTS,
    "notes": _TEXTS,
    "function": _text,
    "parameters": _each(_row(_text, _plain)),
    "objects": _maybe(_each(_each(_row(_text, _number(0))))),
    "wrapped": _flag,
    "config": _text,
    "keras_version": _text,
    "keras": _maybe(_record(KERAS)),
    "unlisted": _NUMBERS,
}
HELD: dict[str, Check] = {"shape": _maybe(_SHAPE), "dtype": _text, "digest": _text, "same": _maybe(_flag)}
RESTORED: dict[str, Check] = {
    "reason": _text,
    "calls": _each(_record({"code": _text, "error": _text})),
    "values": _each(_record(HELD)),
    "unconsumed": _text,
}
INITIAL: dict[str, Check] = {"shape": _each(_number(0), _MAX_RANK), "dtype": _text}
RUN: dict[str, Check] = {"output": _text, "shape": _SHAPE}
ERROR: dict[str, Check] = {"kind": _one_of(*ERROR_KINDS), "message": _text, "hint": _text, "details": _text}
REQUEST: dict[str, Check] = {
    "schema": _number(SCHEMA, SCHEMA),
    "action": _one_of(*ACTIONS),
    "target": _text,
    "name": _text,
    "inputs": _each(_record({"name": _text, "shape": _SHAPE, "dtype": _text})),
    "args": _mapping,
    "lenient": _flag,
    "memory": _number(0),
    "restore": _text,
    "family": _one_of(*FAMILIES),
    "left_out": _TEXTS,
    "plain": _flag,
    "places": _mapping,
    "initial": _TEXTS,
    "outputs": _text,
    "seed": _number(0),
}


def check_request(request: Any) -> dict[str, Any]:
    """A request as it is, if it is one.

    Raises:
        Invalid: it is not; the message names the field.
    """
    _record(REQUEST)(request, "")
    checked: dict[str, Any] = request
    return checked


def check_graph(graph: Any) -> dict[str, Any]:
    """The graph of an answer as it is, if it is one: every field is there, and every object leads to one that is there.

    Raises:
        Invalid: it is not; the message names the field.
    """
    _record(GRAPH)(graph, "graph")
    count = len(graph["objects"]) if graph["objects"] is not None else 0
    for links in graph["objects"] or ():
        for _, child in links:
            if child >= count:
                raise Invalid(f"graph.objects leads to object {child} of {count}")
    for variable in graph["variables"]:
        if variable["node"] >= max(count, 0):
            raise Invalid(f"graph.variables is of object {variable['node']} of {count}")
        consumer = variable["consumer"]
        if consumer and consumer["flattened_axes"]:
            flattened = consumer["flattened"]
            if flattened is None or len(flattened) != 1 + len(consumer["flattened_axes"]):
                raise Invalid("graph.variables has more or fewer axes than sizes of what is flattened")
    checked: dict[str, Any] = graph
    return checked


def check_answer(answer: Any, action: str) -> dict[str, Any]:
    """An answer as it is, if it is one to this action.

    Raises:
        Invalid: it is not; the message names the field.
    """
    _record({"schema": _number(SCHEMA, SCHEMA)})(answer, "")
    if "error" in answer:
        _record({"error": _record(ERROR)})(answer, "")
    else:
        check_graph(answer.get("graph"))
        if action == "initial":
            _record({"initial": _each(_record(INITIAL))})(answer, "")
        if action in ("restore", "run"):
            _record({"restore": _record(RESTORED)})(answer, "")
        if action == "run":
            _record({"run": _maybe(_record(RUN))})(answer, "")
    checked: dict[str, Any] = answer
    return checked
