"""The variables of a checkpoint, and of the graph beside it, as a tree of places with sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ckptdoctor.alignment.pairs import Status
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.objects import OBJECT_VALUE
from ckptdoctor.specs.tensor import TensorSpec


@dataclass(frozen=True, slots=True)
class Item:
    """One variable.

    Attributes:
        name: where it stands in the tree.
        key: the checkpoint's key; empty if the checkpoint does not hold it.
        variable: the graph's name for it; empty if the graph does not want it, or there is none.
        rhs: what the checkpoint holds.
        lhs: what the graph declares.
        status: how the two compare; None without a graph.
        diagnostic: the finding that explains it.
    """

    name: str
    key: str = ""
    variable: str = ""
    rhs: TensorSpec | None = None
    lhs: TensorSpec | None = None
    status: Status | None = None
    diagnostic: Diagnostic | None = None

    @property
    def nbytes(self) -> int:
        """The stored bytes."""
        return self.rhs.nbytes if self.rhs else 0


@dataclass(slots=True)
class Place:
    """A scope, or a variable with its slots: its name from the place above, and the totals of it and all below."""

    name: str
    item: Item | None = None
    places: dict[str, Place] = field(default_factory=dict)
    variables: int = 0
    nbytes: int = 0
    findings: int = 0


def items_of(inventory: Inventory, diagnosis: Diagnosis | None) -> list[Item]:
    """Every variable of the checkpoint, and those that only the graph has, by name."""
    if diagnosis is None:
        items = [
            Item(entry.path or key.removesuffix(OBJECT_VALUE), key, rhs=entry.spec)
            for key, entry in inventory.variables.items()
        ]
        return sorted(items, key=lambda item: item.name)
    explained = {name: found for found in diagnosis.findings for name in (*found.covers, found.key, found.variable)}
    alignment = diagnosis.alignment
    items = [
        Item(
            pair.entry.key,
            pair.entry.key,
            pair.variable.name,
            pair.entry.spec,
            pair.variable.spec,
            pair.status,
            explained.get(pair.entry.key) if pair.status != "matched" else None,
        )
        for pair in alignment.pairs
    ]
    items += [
        Item(item.key, "", item.name, None, item.spec, "missing", explained.get(item.key)) for item in alignment.missing
    ]
    items += [
        Item(item.key, item.key, "", item.spec, None, "unexpected", explained.get(item.key))
        for item in alignment.unexpected
    ]
    return sorted(items, key=lambda item: item.name)


def matching(items: Iterable[Item], words: str) -> Iterator[Item]:
    """The items whose name, shape, type or status has every word."""
    wanted = words.lower().split()
    for item in items:
        code = item.diagnostic.rule.code if item.diagnostic else ""
        text = f"{item.name} {item.variable} {item.rhs or ''} {item.lhs or ''} {item.status or ''} {code}".lower()
        if all(word in text for word in wanted):
            yield item


def tree_of(items: Iterable[Item]) -> Place:
    """The items at their places, with totals."""
    root = Place("")
    for item in items:
        place = root
        _count(place, item)
        for part in item.name.split("/"):
            place = place.places.setdefault(part, Place(part))
            _count(place, item)
        place.item = item
    return root


def _count(place: Place, item: Item) -> None:
    place.variables += 1
    place.nbytes += item.nbytes
    place.findings += item.diagnostic is not None
