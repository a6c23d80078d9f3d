"""What ckptdoctor says a loader does: which of its functions is asked for which route."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from formats import Route

from ckptdoctor.loaders.load import Load
from ckptdoctor.specs.graph import GraphSpec
from ckptdoctor.specs.inventory import Inventory

Asked = Callable[[GraphSpec, Inventory], Load | None]


def loader_of(route: Route) -> Asked | None:
    """The function that models a route's loader; None where there is none yet."""
    by_name, skip = "by_name" in route.loader, "skip_mismatch" in route.loader
    if route.format in ("objects", "tf"):
        asserting = {"assert_consumed": "assert_consumed", "assert_existing": "assert_existing_objects_matched"}
        return _function("tf2_checkpoint", "restore", assertion=asserting.get(route.loader, ""))
    if route.library == "graph":
        return _function("tf1_saver", "restore", reshape="reshape" in route.loader)
    if route.format in ("weights", "keras"):
        return _function("keras3_weights", "load_weights", skip_mismatch=skip)
    return _function("keras_h5", "load_weights", by_name=by_name, skip_mismatch=skip)


def _function(module: str, name: str, **options: Any) -> Asked | None:
    try:
        function = getattr(import_module(f"ckptdoctor.loaders.{module}"), name)
    except (ImportError, AttributeError):
        return None
    return lambda graph, inventory: function(graph, inventory, **options)
