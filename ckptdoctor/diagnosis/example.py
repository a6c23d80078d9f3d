"""A rule's own examples: a graph and a checkpoint in a few lines, which the tests run and the documentation shows.

line  := KEY SHAPE [DTYPE] ["resource"] [OP ["input" SHAPE] ["flattened" SHAPE ["as" AXES]] ["padding" WORD]]
SHAPE := "[" sizes "]", ? for an unknown size
AXES  := the order of the map's axes, such as HWC

What a loader does with them may be said too, a line each: the call, `KEY gets KEY`, `raises ERROR`, `prints TEXT`. What is
given nothing keeps its own value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Consumer, GraphKind, GraphSpec, Variable
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.tensor import Shape, TensorSpec

_LINE = re.compile(
    r"(?P<key>\S+) \[(?P<shape>[\d,?]*)\](?: (?P<dtype>float\d+|u?int\d+|bfloat16))?(?P<resource> resource)?"
    r"(?: (?P<op>[A-Z]\w*)(?: input \[(?P<input>[\d,?]*)\])?(?: flattened \[(?P<flattened>[\d,?]*)\]"
    r"(?: as (?P<axes>[A-Z]+))?)?"
    r"(?: padding (?P<padding>\w+))?)?"
)


@dataclass(frozen=True, slots=True)
class Example:
    """A graph's variables and a checkpoint's entries, a line each; what a load does, and a data file that is missing."""

    graph: str
    checkpoint: str
    load: str = ""
    absent: str = ""

    def graph_spec(self) -> GraphSpec:
        """The graph."""
        return GraphSpec("graph.py", GraphKind.TENSORFLOW_1, tuple(map(_variable, _lines(self.graph))))

    def inventory(self) -> Inventory:
        """The checkpoint."""
        entries = {match["key"]: Entry(match["key"], _spec(match)) for match in _lines(self.checkpoint)}
        absent = (self.absent,) if self.absent else ()
        return Inventory(
            "model.ckpt", "tensor bundle (V2)", Family.TENSORFLOW, (), dict(sorted(entries.items())), absent=absent
        )

    def loaded(self) -> Load | None:
        """What the load does, where that is said."""
        if not self.load:
            return None
        call, error, warnings, given = "model.load_weights(path)", "", list[str](), dict[str, str]()
        for line in self.load.splitlines():
            if line.startswith("raises "):
                error = line.removeprefix("raises ")
            elif line.startswith("prints "):
                warnings.append(line.removeprefix("prints "))
            elif " gets " in line:
                key, _, stored = line.partition(" gets ")
                given[key] = stored
            else:
                call = line
        keys = [variable.key for variable in self.graph_spec().variables]
        return Load(call, given, tuple(key for key in keys if key not in given), error, tuple(warnings))


def _lines(text: str) -> list[re.Match[str]]:
    matches = []
    for line in text.strip().splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"no line of an example: {line!r}")
        matches.append(match)
    return matches


def _shape(text: str | None) -> Shape | None:
    if text is None:
        return None
    return tuple(-1 if size == "?" else int(size) for size in text.split(",") if size)


def _spec(match: re.Match[str]) -> TensorSpec:
    return TensorSpec(dtype_from_name(match["dtype"] or "float32"), _shape(match["shape"]) or ())


def _variable(match: re.Match[str]) -> Variable:
    consumer = None
    if match["op"]:
        consumer = Consumer(
            match["op"],
            match["key"].rpartition("/")[0] + "/" + match["op"],
            _shape(match["input"]),
            match["padding"] or "",
            flattened=_shape(match["flattened"]),
            flattened_axes=match["axes"] or "",
        )
    return Variable(match["key"], match["key"], _spec(match), resource=bool(match["resource"]), consumer=consumer)
