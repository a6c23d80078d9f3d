"""An inventory as a tree or a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from ckptdoctor.alignment.layers import natural
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.reports.printable import human_bytes, printable
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.objects import OBJECT_VALUE
from ckptdoctor.specs.tensor import show_shape


def print_inspect(inventory: Inventory, console: Console, *, table: bool) -> None:
    """Prints an inventory, the totals last."""
    variables = list(inventory.variables.values())
    console.print(Text.assemble((printable(inventory.source), "bold"), f"  {inventory.format}"), soft_wrap=True)
    for note in inventory.notes:
        print_paragraph(console, note, label="note: ", style="bold cyan")
    if table:
        _print_table(variables, console)
    else:
        console.print(_tree(variables, inventory.source), soft_wrap=True)
    parameters = sum(entry.spec.elements for entry in variables)
    size = sum(entry.spec.nbytes for entry in variables)
    count = f"{len(variables):,} variable{'' if len(variables) == 1 else 's'}"
    files = f"{len(inventory.files)} file{'' if len(inventory.files) == 1 else 's'}"
    console.print(Text(f"{count}, {parameters:,} parameters, {human_bytes(size)} in {files}", style="bold"))


def _print_table(variables: Iterable[Entry], console: Console) -> None:
    rows = [
        (printable(e.key), show_shape(e.spec.shape), e.spec.dtype.name, f"{e.spec.elements:,}", printable(e.name))
        for e in variables
    ]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for key, shape, dtype, elements, name in rows:
        line = f"{key:<{widths[0]}}  {shape:<{widths[1]}}  {dtype:<{widths[2]}}  {elements:>{widths[3]}}"
        line += f"  {name}" if name else ""
        console.print(Text(line), soft_wrap=True)


def _tree(variables: Iterable[Entry], source: str) -> Tree:
    entries = {entry.key: entry for entry in variables}
    placed = {_place(entry, entries): entry for entry in entries.values()}
    root = Tree(Text(printable(source.rpartition("/")[2] or source)))
    branches: dict[tuple[str, ...], Tree] = {(): root}
    for place in sorted(placed, key=natural):
        parts = tuple(place.split("/"))
        for depth in range(1, len(parts) + 1):
            scope = parts[:depth]
            if scope not in branches:
                branches[scope] = branches[scope[:-1]].add(_label(scope[-1], placed.get("/".join(scope))))
    return root


def _place(entry: Entry, entries: Mapping[str, Entry]) -> str:
    """Where an entry stands in the tree: a slot below its variable, an object under its path, else the key."""
    owner = entries.get(entry.owner)
    if owner is not None and not owner.owner:
        return f"{_place(owner, entries)}/{entry.slot}"
    return entry.path or entry.key.removesuffix(OBJECT_VALUE)


def _label(name: str, entry: Entry | None) -> Text:
    if entry is None:
        return Text(printable(name), style="bold")
    sliced = f" in {len(entry.slices)} slices" if entry.slices else ""
    named = f"  = {printable(entry.name)}" if entry.name and not entry.owner else ""
    return Text(f"{printable(name)} {show_shape(entry.spec.shape)} {entry.spec.dtype}{sliced}{named}")
