"""An owner's loader on a checkpoint, in the worker: which calls were made, and what the variables hold afterwards."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ckptdoctor.errors import GraphError
from ckptdoctor.graphs.child import ask_worker
from ckptdoctor.graphs.python_graph import spec_of_trace
from ckptdoctor.graphs.request import GraphRequest
from ckptdoctor.specs.graph import GraphSpec, Variable
from ckptdoctor.specs.inventory import Family
from ckptdoctor.specs.tensor import Extent, Shape, show_shape

OWNERS = {Family.TENSORFLOW: "tensorflow", Family.KERAS: "keras"}
"""The families that a loader of TensorFlow's or Keras's reads, as the worker calls them."""


@dataclass(frozen=True, slots=True)
class LoaderCall:
    """One call of an owner's loader.

    Attributes:
        code: as a person writes it.
        error: what it raised, whole but for what is beyond some thousand characters; empty if nothing.
    """

    code: str
    error: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a variable holds: nothing that was initialised, if `shape` is None.

    `same` is whether it holds the bytes at the place that was named for it; where none was, there is a digest.
    """

    shape: Shape | None
    dtype: str
    digest: str
    same: bool | None = None

    def differs(self, variable: Variable, digest: Callable[[], str]) -> str:
        """What it holds that it should not; empty if it is what is meant, as its variable declares it.

        Args:
            variable: the variable.
            digest: gives that of the value that is meant, where no place of it was named.
        """
        declared = variable.spec
        if self.shape is None:
            return "holds no value"
        if variable.shape_known and not (
            len(self.shape) == len(declared.shape)
            and all(size in (-1, held) for size, held in zip(declared.shape, self.shape, strict=True))
        ):
            return f"holds {show_shape(self.shape)}, declared {show_shape(declared.shape)}"
        if self.dtype != declared.dtype.name:
            return f"holds {self.dtype}, declared {declared.dtype.name}"
        same = self.digest == digest() if self.same is None else self.same
        return "" if same else "holds another value"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a load.

    Attributes:
        graph: what was loaded into.
        reason: why no loader was called; empty if one was.
        calls: what was called, in order; of the last one without an error are the values.
        values: what each variable holds, in the graph's order; empty where every call raised.
        unconsumed: what `assert_consumed()` says of a restore by objects; empty if it holds.
    """

    graph: GraphSpec
    reason: str
    calls: tuple[LoaderCall, ...]
    values: tuple[Held, ...]
    unconsumed: str

    @property
    def code(self) -> str:
        """The call that raised nothing; empty if there is none."""
        return next((call.code for call in reversed(self.calls) if not call.error), "")

    def held_by(self) -> list[tuple[Variable, Held]]:
        """Each variable with what it holds."""
        return list(zip(self.graph.variables, self.values, strict=True)) if self.values else []


def load(
    request: GraphRequest,
    path: str,
    family: Family,
    *,
    name: str = "",
    left_out: Collection[str] = (),
    plain: bool = True,
    places: Mapping[str, Sequence[Extent]] | None = None,
    action: str = "restore",
    **more: Any,
) -> Loaded:
    """Lets the owner's loader load a checkpoint into a graph.

    Args:
        request: the graph.
        path: the checkpoint, as its loader finds it.
        family: whose loader it is for, one of `OWNERS`.
        name: what calls are to show in the place of `path`.
        left_out: keys of variables that have no fitting value there: the call that leaves them out is made, too.
        plain: whether the plain call is made where variables are left out.
        places: key of a variable → where the bytes lie that it is to hold, if they lie somewhere.
        action, more: see `ask_worker`.

    Raises:
        UsageError, GraphError: the graph cannot be built.
    """
    named = {
        key: [[str(extent.file.resolve()), extent.offset, extent.size] for extent in extents]
        for key, extents in (places or {}).items()
    }
    question = {
        "restore": path,
        "family": OWNERS[family],
        "left_out": sorted(left_out),
        "plain": plain,
        "places": named,
    }
    answer = ask_worker(request, action, **question, **more)
    restored, graph = answer["restore"], spec_of_trace(request, answer["graph"])
    if restored["values"] and len(restored["values"]) != len(graph.variables):
        raise GraphError(
            f"the process that built {request.source} tells the values of {len(restored['values'])} variables "
            f"of {len(graph.variables)}",
            hint="Report it, with the graph.",
        )
    shown = name or path
    calls = tuple(
        LoaderCall(call["code"].replace("$path", repr(shown)), call["error"].replace(path, shown))
        for call in restored["calls"]
    )
    values = tuple(
        Held(None if item["shape"] is None else tuple(item["shape"]), item["dtype"], item["digest"], item["same"])
        for item in restored["values"]
    )
    return Loaded(graph, restored["reason"], calls, values, restored["unconsumed"])
