"""Initial values for what a plan leaves without a fitting one, by the graph's own initializers."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ckptdoctor.conversion.fit import fit_of, whole_layers
from ckptdoctor.conversion.plan import Plan, concat, derive
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.errors import GraphError
from ckptdoctor.graphs.child import ask_worker
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.ops import Drop, Fill, Op
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Family, Inventory
from ckptdoctor.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class FreshHead:
    """A plan in which every variable of the graph has a value, and the variables whose values are initial ones."""

    plan: Plan
    variables: tuple[Variable, ...] = ()


def fresh_head(
    plan: Plan,
    inventory: Inventory,
    diagnosis: Diagnosis,
    request: GraphRequest,
    family: Family | None,
    seed: int = 0,
) -> FreshHead:
    """The plan, with initial values for the layers of which a variable lacks a fitting one.

    Args:
        plan: what to do before; it ends with the graph's names.
        inventory: the source.
        diagnosis: of the graph and the source.
        request: the graph, which is built to run its initializers.
        family: whose loader the output is for.
        seed: of TensorFlow, Keras, NumPy and Python, unless the graph's code sets its own.

    Raises:
        UsageError, GraphError: the graph cannot be built, or an initializer fails.
    """
    made = derive(plan, inventory)
    fit = fit_of(diagnosis, made, family)
    # Keras's own loader leaves alone what no finding is about.
    fresh = whole_layers(fit.reported if family is Family.KERAS else fit.lacking, fit.asked)
    if not fresh:
        return FreshHead(plan)
    values = _initial_values(request, fresh, seed)
    ops: list[Op] = [Drop(variable.key) for variable in fresh if variable.key in made]
    ops += [
        Fill(variable.key, spec.dtype, spec.shape, data) for variable, (spec, data) in zip(fresh, values, strict=True)
    ]
    note = (
        f"{len(fresh)} variables get initial values, each layer as a whole: by the graph's initializers, seed {seed}."
    )
    return FreshHead(concat(inventory.source, [plan, Plan(inventory.source, tuple(ops), (note,))]), tuple(fresh))


def _initial_values(request: GraphRequest, variables: list[Variable], seed: int) -> list[tuple[TensorSpec, bytes]]:
    """What the initializers give: the type and shape, and the bytes, little-endian."""
    with tempfile.TemporaryDirectory(prefix="ckptdoctor-") as directory:
        path = Path(directory) / "initial"
        keys = [variable.key for variable in variables]
        described = ask_worker(request, "initial", initial=keys, outputs=str(path), seed=seed)["initial"]
        specs = [TensorSpec(dtype_from_name(item["dtype"]), tuple(item["shape"])) for item in described]
        size = path.stat().st_size
        if len(specs) != len(keys) or size != sum(spec.nbytes for spec in specs):
            raise GraphError(
                f"the process that built {request.source} gave {size:,} bytes of initial values, which are not those asked for",
                hint="Report it, with the graph.",
            )
        with path.open("rb") as file:
            return [(spec, file.read(spec.nbytes)) for spec in specs]
