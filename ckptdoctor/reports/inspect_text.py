"""An inventory as a tree or a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Console
from rich.text import Text

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
    lines = _table(variables) if table else _tree(inventory, bold=console.is_terminal)
    # A million lines without styles are written as they are: laying each out takes a hundred times as long.
    console.file.writelines(f"{line}\n" for line in lines)
    parameters = sum(entry.spec.elements for entry in variables)
    size = sum(entry.spec.nbytes for entry in variables)
    count = f"{len(variables):,} variable{'' if len(variables) == 1 else 's'}"
    files = f"{len(inventory.files)} file{'' if len(inventory.files) == 1 else 's'}"
    console.print(Text(f"{count}, {parameters:,} parameters, {human_bytes(size)} in {files}", style="bold"))


def _table(variables: Iterable[Entry]) -> Iterator[str]:
    rows = [
        (printable(e.key), show_shape(e.spec.shape), e.spec.dtype.name, f"{e.spec.elements:,}", printable(e.name))
        for e in variables
    ]
    key_width, shape_width, dtype_width, count_width = (
        max((len(row[column]) for row in rows), default=0) for column in range(4)
    )
    for key, shape, dtype, elements, name in rows:
        line = f"{key:<{key_width}}  {shape:<{shape_width}}  {dtype:<{dtype_width}}  {elements:>{count_width}}"
        yield f"{line}  {name}" if name else line


class _Branch:
    """A scope, or a variable with its slots."""

    __slots__ = ("branches", "entry")

    def __init__(self) -> None:
        self.entry: Entry | None = None
        self.branches: dict[str, _Branch] | None = None  # most have none


def _tree(inventory: Inventory, *, bold: bool) -> Iterator[str]:
    entries = inventory.variables
    root = _Branch()
    placed = [(_place(entry, entries), entry) for entry in entries.values()]
    if inventory.objects:
        # Objects are numbered: the tenth stands behind the ninth.
        placed.sort(key=lambda item: natural(item[0]))
    for place, entry in placed:
        branch = root
        for part in place.split("/"):
            if branch.branches is None:
                branch.branches = {}
            following = branch.branches.get(part)
            if following is None:
                following = branch.branches[part] = _Branch()
            branch = following
        branch.entry = entry
    yield printable(inventory.source.rpartition("/")[2] or inventory.source)
    pending = [("", name, branch, number == 0) for number, (name, branch) in enumerate(_last_first(root))]
    while pending:
        indent, name, branch, last = pending.pop()
        yield f"{indent}{'└── ' if last else '├── '}{_label(name, branch.entry, bold=bold)}"
        if branch.branches:
            deeper = indent + ("    " if last else "│   ")
            pending += [
                (deeper, child, below, number == 0) for number, (child, below) in enumerate(_last_first(branch))
            ]


def _last_first(branch: _Branch) -> list[tuple[str, _Branch]]:
    return list((branch.branches or {}).items())[::-1]


def _place(entry: Entry, entries: Mapping[str, Entry]) -> str:
    """Where an entry stands in the tree: a slot below its variable, an object under its path, else the key."""
    owner = entries.get(entry.owner)
    if owner is not None and not owner.owner:
        return f"{_place(owner, entries)}/{entry.slot}"
    return entry.path or entry.key.removesuffix(OBJECT_VALUE)


def _label(name: str, entry: Entry | None, *, bold: bool) -> str:
    if entry is None:
        return f"\x1b[1m{printable(name)}\x1b[0m" if bold else printable(name)
    sliced = f" in {len(entry.slices)} slices" if entry.slices else ""
    named = f"  = {printable(entry.name)}" if entry.name and not entry.owner else ""
    return f"{printable(name)} {show_shape(entry.spec.shape)} {entry.spec.dtype}{sliced}{named}"
