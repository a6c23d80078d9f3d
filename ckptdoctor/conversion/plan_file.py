"""A plan as a file that a person can read and edit: TOML, or JSON if the name ends so.

checkpoint = "vgg_16.ckpt"
[[step]]
op = "reshape"
key = "vgg_16/fc7/weights"
shape = [4096, 4096]
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import tomli_w

from ckptdoctor import toml_text
from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import OutputError, UsageError
from ckptdoctor.ops import OPS, Op
from ckptdoctor.specs.dtype import DType, dtype_from_name

SCHEMA = "ckptdoctor.conversion/1"
_WRITE = "Write one with: ckptdoctor convert … --plan FILE --dry-run"


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """The plan as plain values."""
    return {
        "schema": SCHEMA,
        "checkpoint": plan.checkpoint,
        "notes": list(plan.notes),
        "step": [op_to_dict(op) for op in plan.ops],
    }


def op_to_dict(op: Op) -> dict[str, Any]:
    """One step as plain values."""
    return {"op": op.verb, **{field.name: _plain(getattr(op, field.name)) for field in fields(op)}}


def _plain(value: Any) -> Any:
    if isinstance(value, DType):
        return value.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return list(value) if isinstance(value, tuple) else value


def write_plan(plan: Plan, path: Path) -> None:
    """Writes a plan file.

    Raises:
        OutputError: it cannot be written.
    """
    data = plan_to_dict(plan)
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n" if path.suffix == ".json" else tomli_w.dumps(data)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror}", hint="Choose another place.") from error


def read_plan(path: Path) -> Plan:
    """Reads a plan file.

    Raises:
        UsageError: it is no plan; the message names the step.
    """
    try:
        text = path.read_text("utf-8")
        data = json.loads(text) if path.suffix == ".json" else toml_text.loads(text)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is no plan: {error}", hint=_WRITE) from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise UsageError(f'{path} is no plan: schema = "{SCHEMA}" is missing', hint=_WRITE)
    steps = data.get("step", [])
    if not isinstance(steps, list):
        raise UsageError(f"{path}: step is no list of steps", hint=_WRITE)
    ops = tuple(_read_step(path, number, step) for number, step in enumerate(steps, 1))
    return Plan(str(data.get("checkpoint", "")), ops, tuple(map(str, data.get("notes", []))))


def _read_step(path: Path, number: int, step: Any) -> Op:
    known = {op.verb: op for op in OPS}
    verb = step.get("op") if isinstance(step, dict) else None
    kind = known.get(verb) if isinstance(verb, str) else None
    if kind is None:
        raise UsageError(f"{path}: step {number}: op is {verb!r}", hint="Operations: " + ", ".join(known))
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = step.get(field.name, field.default)
        try:
            values[field.name] = _PARSED[str(field.type)](value)
        except (TypeError, KeyError, AttributeError, ValueError):
            raise UsageError(
                f"{path}: step {number} ({verb}): {field.name} is {step.get(field.name)!r}",
                hint=f"It is to be of type {field.type}.",
            ) from None
    return kind(**values)


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integers(value: Any) -> tuple[int, ...]:
    return tuple(_integer(item) for item in value)


_PARSED: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "int": _integer,
    "float": _number,
    "bytes": lambda value: base64.b64decode(_text(value), validate=True),
    "DType": dtype_from_name,
    "Shape": _integers,
    "tuple[int, ...]": _integers,
    "tuple[str, ...]": lambda value: tuple(_text(item) for item in value),
}
"""How a value of each type of field is read; operations declare no others."""
