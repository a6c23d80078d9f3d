"""The pairs: which network is saved how, and which other one loads it with what."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from changes import CHANGES, REVERSED
from formats import ROUTES, Route
from models import MODELS
from nets import Net

SET_ASIDE = 3
"""One pair of so many is set aside: its disagreements are counted, and shown only where `--reveal` asks for it."""

VARIANTS_TRIED, ROUTES_TRIED, UNCHANGED_TRIED, GRAPHS_TRIED = 0.12, 0.3, 0.3, 0.4
"""Of the possible pairs, which are more than ten times as many, by hashes: the share of the models that a change is tried
on, that of the routes of each, and that of the routes of a model that is not changed. A change that few models have is
tried on all of them; the last is the share of graphs and modules."""

FEW = 6

SAMPLED = 0.02
"""The share of the pairs that the tests run."""


@dataclass(frozen=True)
class Pair:
    """One load: the variant that is saved, the route, and the variant that loads.

    A variant is a model's name, or `name@change`.
    """

    id: str
    source: str
    target: str
    route: Route

    @property
    def change(self) -> str:
        """The change that parts its networks; empty for none."""
        return self.source.partition("@")[2] or self.target.partition("@")[2]

    @property
    def set_aside(self) -> bool:
        return _hash("set aside " + self.id) % SET_ASIDE == 0

    @property
    def in_sample(self) -> bool:
        """Whether the tests run it: one of few that are not set aside, and that need no tf_keras."""
        owners = {self.route.library, self.route.flavour}
        return not self.set_aside and "tf_keras" not in owners and _share("sample " + self.id) < SAMPLED

    def in_slice(self, number: int, of: int) -> bool:
        """Whether it is in a slice, from 1; all pairs of a target are in one, so that it is traced once."""
        return _hash(self.target) % of == number - 1


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _share(text: str) -> float:
    return _hash(text) / 2**64


@cache
def net_of(variant: str) -> Net:
    """The network of a variant."""
    model, _, change = variant.partition("@")
    net = CHANGES[change or "none"](MODELS[model])
    assert net is not None, variant
    return net


def all_pairs() -> Iterator[Pair]:
    """Every pair, in the order of the tables."""
    for model, net in MODELS.items():
        for change, function in CHANGES.items():
            changed = function(net)
            if changed is None or (changed == net and change != "none"):
                continue
            variant = f"{model}@{change}" if change != "none" else model
            directions = [(model, variant, change)]
            if change in REVERSED:
                directions.append((variant, model, f"{change}.reversed"))
            for source, target, shown in directions:
                for route in ROUTES:
                    pair = Pair(f"{model}/{route.name}/{shown}", source, target, route)
                    if route.takes(net_of(source), net_of(target)) and _kept(pair):
                        yield pair


@cache
def _models_with(variant: str) -> int:
    """How many models have what a change changes."""
    change = CHANGES[variant]
    return sum(change(net) not in (None, net) for net in MODELS.values())


def _kept(pair: Pair) -> bool:
    if pair.route.library in ("graph", "module"):
        return _share("tried " + pair.id) < GRAPHS_TRIED
    if pair.source == pair.target:
        return _share("tried " + pair.id) < UNCHANGED_TRIED
    few = _models_with(pair.change) <= FEW
    variant = few or _share(f"tried {pair.source} {pair.target}") < VARIANTS_TRIED
    return variant and _share("tried " + pair.id) < ROUTES_TRIED
