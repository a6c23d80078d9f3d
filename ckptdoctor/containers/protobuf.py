"""Protocol buffer messages, declared in Python and parsed by the protobuf library.

The declarations live in a descriptor pool of their own, so they never collide with TensorFlow's, should both be loaded,
and no generated code ties the package to one version of protobuf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, text_format

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bytes": _FIELD.TYPE_BYTES,
    "string": _FIELD.TYPE_STRING,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
    "uint32": _FIELD.TYPE_UINT32,
    "uint64": _FIELD.TYPE_UINT64,
    "fixed32": _FIELD.TYPE_FIXED32,
    "float": _FIELD.TYPE_FLOAT,
    "double": _FIELD.TYPE_DOUBLE,
}

Schema = Mapping[str, Mapping[str, tuple[int, str]]]
"""Message name → field name → (number, type). A type is a scalar's or a message's name, with `repeated` or `optional`
before it where that applies. Strings that are not promised to be UTF-8 are declared `bytes`; enums `int32`, or by the
name of an enum where text must be read, which names their values."""

Enums = Mapping[str, Mapping[str, int]]
"""Enum name → value's name → number; the first is 0."""

Message = Any
"""A message object: its fields are attributes that only the descriptor knows."""


def declare(name: str, schema: Schema, enums: Enums | None = None) -> dict[str, type[Message]]:
    """Message classes by name, for a schema and the enums that it names; `name` names the schema in the pool."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{name}.proto", package=name, syntax="proto3")
    for enum_name, values in (enums or {}).items():
        enum = file.enum_type.add(name=enum_name)
        for value_name, number in values.items():
            enum.value.add(name=value_name, number=number)
    for message_name, fields in schema.items():
        declared = file.message_type.add(name=message_name)
        for field_name, (number, written) in fields.items():
            *label, kind = written.split()
            field = declared.field.add(name=field_name, number=number)
            field.label = _FIELD.LABEL_REPEATED if "repeated" in label else _FIELD.LABEL_OPTIONAL
            if "optional" in label:
                field.proto3_optional = True
                field.oneof_index = len(declared.oneof_decl)
                declared.oneof_decl.add(name=f"_{field_name}")
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type = _FIELD.TYPE_ENUM if kind in (enums or {}) else _FIELD.TYPE_MESSAGE
                field.type_name = f".{name}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message_name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{name}.{message_name}"))
        for message_name in schema
    }


def parse(kind: type[Message], data: bytes | memoryview) -> Message:
    """A message from its bytes.

    Raises:
        ValueError: the bytes are no such message.
    """
    try:
        return kind.FromString(bytes(data))
    except (message.DecodeError, RuntimeError) as error:
        raise ValueError(f"no valid message ({error})") from error


def parse_text(kind: type[Message], text: str) -> Message:
    """A message from its text form; fields that are not declared are passed over.

    Raises:
        ValueError: the text is no such message.
    """
    try:
        return text_format.Parse(text, kind(), allow_unknown_field=True)
    except (text_format.ParseError, RecursionError) as error:
        raise ValueError(f"no valid message ({error})") from error
