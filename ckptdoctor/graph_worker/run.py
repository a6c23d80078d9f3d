"""Running a restored graph once on random inputs."""

from __future__ import annotations

from typing import Any

from .operations import sizes_of
from .problem import Problem
from .program import Program
from .tensorflow_graphs import first_tensor


def run(program: Program, destination: str, seed: int) -> dict[str, Any]:
    """Runs the graph and stores its output as `.npy`; gives the fields of `protocol.RUN`.

    Raises:
        Problem: the graph has no output.
    """
    import numpy

    rng = numpy.random.RandomState(seed)
    model = program.keras_model()
    name, value = _run_keras(program, model, rng) if model is not None else _run_session(program, rng)
    numpy.save(destination, value)
    return {"output": name, "shape": [int(size) for size in value.shape]}


def _run_keras(program: Program, model: Any, rng: Any) -> tuple[str, Any]:
    import numpy

    # A model of layers takes its inputs as one argument, a class's own `call` one each.
    inputs = getattr(model, "inputs", None)
    tensors = inputs or [tensor for tensor, _ in program.placeholders.values()]
    values = [_random_value(rng, list(tensor.shape), str(tensor.dtype)) for tensor in tensors]
    arguments = [values] if inputs and len(values) > 1 else values
    return model.name, numpy.asarray(model(*arguments, training=False))


def _run_session(program: Program, rng: Any) -> tuple[str, Any]:
    import numpy

    feeds = {}
    for operation in program.graph.get_operations():
        if operation.type == "Placeholder":
            tensor = operation.outputs[0]
            given = next((given for symbol, given in program.placeholders.values() if symbol is tensor), None)
            shape = given["shape"] if given else list(sizes_of(tensor.shape) or ())
            feeds[tensor] = _random_value(rng, shape, tensor.dtype.base_dtype.name)
    output = first_tensor(program.tf, program.result) if program.result is not None else None
    if output is None:
        output = _last_end(program.graph)
    return output.name, numpy.asarray(program.session.run(output, feeds))


def _last_end(graph: Any) -> Any:
    """The last tensor that nothing takes."""
    ends = [
        operation.outputs[0]
        for operation in graph.get_operations()
        if operation.outputs
        and operation.inputs
        and not operation.outputs[0].consumers()
        and operation.outputs[0].dtype.is_floating
        and not operation.type.startswith(("Assign", "Restore"))
    ]
    if not ends:
        raise Problem("usage", "the graph has no output to compare")
    return ends[-1]


def _random_value(rng: Any, shape: list[int | None], dtype: str) -> Any:
    """A random value of a tensor; unknown sizes are 2, and a scalar is 1."""
    import numpy

    sizes = [2 if size is None or size < 0 else size for size in shape]
    if dtype == "bool":
        return numpy.zeros(sizes, dtype=bool)
    if dtype.startswith(("int", "uint")):
        return rng.randint(0, 8, size=sizes).astype(dtype)
    return rng.standard_normal(sizes).astype(dtype) if sizes else numpy.ones((), dtype=dtype)
