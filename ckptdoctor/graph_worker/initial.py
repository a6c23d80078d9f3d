"""Initial values of variables, by their own initializers; of the others none is run."""

from __future__ import annotations

from typing import Any, Sequence

from .problem import Problem
from .program import Program
from .restore import value_of
from .restraints import lift_stops


def initial(program: Program, graph: dict[str, Any], keys: Sequence[str], destination: str) -> list[dict[str, Any]]:
    """Writes the initial values of variables, one behind the other; gives the fields of `protocol.INITIAL`.

    Args:
        program: the graph.
        graph: its description.
        keys: the variables.
        destination: the file.

    Raises:
        Problem: an initializer fails.
    """
    lift_stops()
    if program.keras is not None:
        program.keras.leave_scope()
    else:
        program.graph = program.graphs.chosen()
        program.graph._unsafe_unfinalize()
        program.session = program.tf.compat.v1.Session(graph=program.graph)
    variables = dict(zip([variable["key"] for variable in graph["variables"]], program.variables))
    described = []
    with open(destination, "xb") as file:
        for key in keys:
            try:
                _initialise(program, variables[key])
                value = value_of(program, variables[key])
            except Exception as error:  # an initializer of the user's own may raise anything
                text = f"{type(error).__name__}: {error}"
                raise Problem("user", f"the initializer of {key} fails: {text.splitlines()[0]}", "", text) from error
            described.append({"shape": [int(size) for size in value.shape], "dtype": value.dtype.name})
            file.write(value.tobytes())
    return described


def _initialise(program: Program, parts: Sequence[Any]) -> None:
    if program.session is not None:
        program.session.run([part.initializer for part in parts])
        return
    for part in parts:
        if getattr(part, "_value", part) is None:
            part._deferred_initialize()
