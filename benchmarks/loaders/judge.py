"""What ckptdoctor said of a pair against what its loader did."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pairs import Pair
from said import NotModelledError, said

import ckptdoctor
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec

UNTOLD = ("ambiguous",)
"""What a variable holds cannot be told from its values."""

OPEN = "nothing"
SHOWN = 300
"""Characters of a message that are kept."""

PLAIN = ("load_weights", "restore", "saver_resource", "saver_reference")
"""The loaders whose outcome `diff` tells without being asked for another."""


@dataclass
class Judged:
    """One pair.

    Attributes:
        pair: the pair.
        state: `judged`, `not modelled`, `not told` (the model says that it cannot tell), `no graph` or `no file`.
        raised: the class of the real error; empty if there was none.
        differences: a line each; none is agreement.
        variables: how many were compared.
        open: how many the model leaves open, because the owner promises no order after an error.
        wrong: how many of them hold something else than was said.
        same_message: whether the first line of what is raised is as it was said; None if nothing is, or is said to be.
        whole: whether every variable gets a stored value and nothing is raised: said, and true.
        fits: whether `diff` finds nothing, and whether every variable held what is meant for it; None if not known.
    """

    pair: Pair
    state: str
    raised: str = ""
    differences: list[str] = field(default_factory=list)
    variables: int = 0
    wrong: int = 0
    open: int = 0
    same_message: bool | None = None
    whole: tuple[bool, bool] | None = None
    fits: tuple[bool, bool | None] | None = None


def judge(pair: Pair, truth: dict[str, Any], graph: GraphSpec | str) -> Judged:
    """Asks the loader's model and compares its answer, variable by variable."""
    raised = truth["error"].partition(":")[0]
    if isinstance(graph, str):
        return Judged(pair, "no graph", raised, [graph])
    try:
        inventory = open_checkpoint(truth["path"]).inventory
    except CkptDoctorError as error:
        return Judged(pair, "no file", raised, [f"{type(error).__name__}: {error}"])
    fits = _fits(graph, truth) if pair.route.loader in PLAIN else None
    try:
        load = said(pair.route, graph, inventory)
    except NotModelledError:
        return Judged(pair, "not modelled", raised, fits=fits)
    except Exception as error:  # a loader's model that fails is a disagreement, whatever it fails with
        return Judged(pair, "judged", raised, [f"the model raised {type(error).__name__}: {error}"], fits=fits)
    if load is None:
        return Judged(pair, "not told", raised, fits=fits)
    judged = _compared(pair, truth, graph, load)
    judged.fits = fits
    return judged


def _compared(pair: Pair, truth: dict[str, Any], graph: GraphSpec, load: Load) -> Judged:
    raised, said_raised = truth["error"].partition(":")[0], load.error.partition(":")[0]
    judged = Judged(pair, "judged", raised)
    if raised != said_raised:
        judged.differences.append(f"raises {truth['error'] or 'nothing'}; said {load.error or 'nothing'}")
    if truth["error"] and load.error:
        judged.same_message = load.error[:SHOWN] == truth["error"][:SHOWN]
    known = {variable.key for variable in graph.variables}
    for item, key in zip(truth["variables"], keys_of(truth["variables"], graph), strict=True):
        if item["holds"] in UNTOLD:
            continue
        told = _told(load, key) if key in known else "no such variable"
        if told == OPEN and load.error:
            judged.open += 1
            continue
        judged.variables += 1
        if told != item["holds"]:
            judged.wrong += 1
            judged.differences.append(f"{item['name']} holds {item['holds']} ({item['how']}); said {told}")
    whole = not load.error and not load.kept and not load.zeroed and len(load.given) == len(known)
    truly = not truth["error"] and all(item["holds"] not in ("own", "zero", "mixed") for item in truth["variables"])
    judged.whole = (whole, truly)
    return judged


def keys_of(variables: list[dict[str, Any]], graph: GraphSpec) -> list[str]:
    """The key of each live variable in the graph.

    A graph numbers names that an eager model repeats, and may number layers otherwise: then they go by the last part of
    the name and the shape, in order.
    """
    names = [item["name"] for item in variables]
    left = [variable.key for variable in graph.variables]
    if len(set(names)) == len(names) and set(names) <= set(left):
        return names
    shapes = {variable.key: list(variable.spec.shape) for variable in graph.variables}
    keys = []
    for item in variables:
        alike = (key for key in left if _leaf(key) == _leaf(item["name"]) and shapes[key] == item["shape"])
        key = next(alike, item["name"])
        keys.append(key)
        if key in left:
            left.remove(key)
    return keys


def _leaf(name: str) -> str:
    return re.sub(r"_\d+$", "", name.rpartition("/")[2])


def _told(load: Load, key: str) -> str:
    if key in load.given:
        return load.given[key]
    return "own" if key in load.kept else "zero" if key in load.zeroed else OPEN


def _fits(graph: GraphSpec, truth: dict[str, Any]) -> tuple[bool, bool | None] | None:
    fits = truth["fits"]
    if fits and any(item["how"] == "cast" for item in truth["variables"]):
        fits = None  # loaded with another precision: a fit for one person and none for another
    try:
        return ckptdoctor.diff(graph, truth["path"]).fits, fits
    except CkptDoctorError:
        return False, fits
