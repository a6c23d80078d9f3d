"""Loading a checkpoint with the owner's own loader, and telling what every variable holds afterwards."""

from __future__ import annotations

import os
from typing import Any, Callable, Sequence

from .digests import digest_of, is_at
from .loading import Call, calls_of, loader_of
from .program import Program
from .restraints import lift_stops

_LONGEST = 4000
"""Characters of an owner's error that are kept: TensorFlow's have every line that made the variable."""


def restore(program: Program, graph: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """Loads the checkpoint into the program, once for each call that is asked for; gives the fields of `protocol.RESTORED`."""
    lift_stops()
    loader, reason = loader_of(program, request["restore"], request["family"])
    if loader is None:
        return {"reason": reason, "calls": [], "values": [], "unconsumed": ""}
    left_out = set(request["left_out"])
    chosen = []
    if not left_out or request["plain"]:
        chosen.append(calls_of(program, loader, request["restore"], set())[:1])
    if left_out:
        chosen.append(calls_of(program, loader, request["restore"], left_out))
    calls, unconsumed, loaded = [], "", False
    for alternatives in chosen:
        for call in alternatives:
            error, said = _run(program, call)
            calls.append({"code": call.code, "error": error})
            if not error:
                loaded, unconsumed = True, said
                break
    values = _values(program, graph, request["places"]) if loaded else []
    return {"reason": "", "calls": calls, "values": values, "unconsumed": unconsumed}


def _run(program: Program, call: Call) -> tuple[str, str]:
    """Runs a call; gives what it raised, if it did, and what it says besides."""
    try:
        return "", call.run()
    except Exception as error:  # a loader of the user's own class may raise anything
        text = _without_our_frames(f"{type(error).__name__}: {error}".strip())
        return (text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " …"), ""


def _without_our_frames(text: str) -> str:
    """A TensorFlow error without the lines of this package, and without TensorFlow's own that follow them."""
    own = os.path.dirname(os.path.abspath(__file__))
    lines = text.partition("\n\nOriginal stack trace for ")[0].splitlines()
    return "\n".join(line for line in lines if own not in line and '"<frozen runpy>"' not in line)


# --- What the variables hold -----------------------------------------------------------------------------------------


def _values(program: Program, graph: dict[str, Any], places: dict[str, list[list[Any]]]) -> list[dict[str, Any]]:
    """What each of the graph's variables holds, in the order of its description: `protocol.HELD`."""
    keys = [variable["key"] for variable in graph["variables"]]
    return [_held(program, parts, places.get(key)) for key, parts in zip(keys, program.variables)]


def _held(program: Program, parts: Sequence[Any], places: list[list[Any]] | None) -> dict[str, Any]:
    try:
        value = value_of(program, parts)
    except Exception:  # not initialised: the loader gave it nothing
        return {"shape": None, "dtype": "", "digest": "", "same": None}
    dtype = "string" if value.dtype == object else value.dtype.name
    described = {"shape": [int(size) for size in value.shape], "dtype": dtype, "digest": "", "same": None}
    if places is not None:
        return {**described, "same": is_at(value, places)}
    return {**described, "digest": digest_of([value])}


def value_of(program: Program, parts: Sequence[Any]) -> Any:
    """The value of a variable as an array: put together, where it is kept in parts."""
    import numpy

    read = _reader(program)
    slices: list[Any] = [getattr(part, "_get_save_slice_info", lambda: None)() for part in parts]
    if slices[0] is None:
        return numpy.asarray(read(parts[0]))
    whole = None
    for part, info in zip(parts, slices):
        value = numpy.asarray(read(part))
        if whole is None:
            whole = numpy.empty([int(size) for size in info.full_shape], value.dtype)
        place = tuple(slice(start, start + size) for start, size in zip(info.var_offset, info.var_shape))
        whole[place] = value
    return whole


def _reader(program: Program) -> Callable[[Any], Any]:
    if program.session is None:
        return _eager_value
    read: Callable[[Any], Any] = program.session.run
    return read


def _eager_value(variable: Any) -> Any:
    """The value of TensorFlow's variable, or of the one behind Keras's."""
    behind = getattr(variable, "_value", None)
    return (variable if behind is None or not hasattr(behind, "numpy") else behind).numpy()
