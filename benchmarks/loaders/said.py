"""What ckptdoctor says a loader does: its registry is asked, with the options of the route's call."""

from __future__ import annotations

from formats import Route

from ckptdoctor.loaders.checkpoint_objects import Assertion
from ckptdoctor.loaders.load import Load
from ckptdoctor.loaders.registry import LOADERS, LoadOptions
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory

ASSERTIONS = {
    "assert_consumed": Assertion.CONSUMED,
    "assert_existing": Assertion.EXISTING_OBJECTS_MATCHED,
    "expect_partial": Assertion.PARTIAL,
}


class NotModelledError(Exception):
    """No loader of the registry is for such a call."""


def said(route: Route, graph: GraphSpec, inventory: Inventory) -> Load | None:
    """What the first loader that applies says; None where it says that it cannot tell."""
    options = LoadOptions(
        by_name="by_name" in route.loader,
        skip_mismatch="skip_mismatch" in route.loader,
        assertion=ASSERTIONS.get(route.loader, Assertion.NOTHING),
        reshape="reshape" in route.loader,
    )
    loader = next((loader for loader in LOADERS if loader.applies(graph, inventory)), None)
    if loader is None:
        raise NotModelledError
    load = loader.load(graph, inventory, options)
    words = ("load_weights", "assert_consumed")
    if load is not None and any((word in route.call) != (word in load.call) for word in words):
        raise NotModelledError  # another call, which does something else
    return load
