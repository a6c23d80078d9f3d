"""A plan, and the receipt of one that was run."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ckptdoctor.executor.convert import Receipt
from ckptdoctor.plan.plan import Plan, derive
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.reports.printable import human_bytes, printable
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.ops import Drop, Op, Rename
from ckptdoctor.specs.tensor import show_shape

_NOTES = 8


def print_plan(plan: Plan, inventory: Inventory, console: Console) -> None:
    """Prints each operation with the shape before and after, and why others are not there."""
    made = derive(plan, inventory)
    specs = {key: entry.spec for key, entry in inventory.entries.items()}
    for op in plan.ops:
        before = specs.pop(op.key)
        after = op.infer(before)
        specs[op.to if isinstance(op, Rename) else op.key] = after
        text = f"  {op.verb} {printable(op.key)}  {_effect(op, show_shape(before.shape), show_shape(after.shape))}"
        console.print(Text(text.rstrip()), soft_wrap=True)
    if not plan.ops:
        console.print(Text("  nothing to do"))
    for note in plan.notes[:_NOTES]:
        print_paragraph(console, note, label="note: ", style="bold cyan", indent=2)
    if len(plan.notes) > _NOTES:
        console.print(Text(f"  and {len(plan.notes) - _NOTES} more notes (--plan FILE keeps all)"))
    computed = sum(item.spec.nbytes for item in made.values() if not item.keeps_bytes)
    total = sum(item.spec.nbytes for item in made.values())
    console.print(Text(f"  {human_bytes(total - computed)} copied as they are, {human_bytes(computed)} computed"))


def _effect(op: Op, before: str, after: str) -> str:
    if isinstance(op, Drop):
        return before
    if isinstance(op, Rename):
        return f"-> {printable(op.to)}"
    return f"{before} -> {after}" if before != after else ""


def print_receipt(receipt: Receipt, console: Console) -> None:
    """Prints what was written."""
    how = "linked" if receipt.linked else "copied"
    console.print(
        Text.assemble(
            ("wrote ", "bold green"),
            f"{printable(receipt.prefix)}: {receipt.tensors:,} tensors, {receipt.changed:,} changed, "
            f"{human_bytes(receipt.copied)} {how}, {human_bytes(receipt.computed)} computed",
        ),
        soft_wrap=True,
    )
    for path in receipt.files:
        console.print(Text(f"  {printable(str(path))}"), soft_wrap=True)
