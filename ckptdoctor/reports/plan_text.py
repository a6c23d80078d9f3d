"""A plan, and the receipt of one that was run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ckptdoctor.conversion.plan import Plan, derive, steps
from ckptdoctor.executor.convert import Receipt
from ckptdoctor.ops import Concat, Drop, Op, Rename, Slice
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.reports.printable import human_bytes, printable
from ckptdoctor.specs.inventory import Inventory
from ckptdoctor.specs.tensor import TensorSpec, show_shape

_NOTES = 8
_STEPS = 40


def print_plan(plan: Plan, inventory: Inventory, console: Console, *, whole: bool = False) -> None:
    """Prints each operation with the shape before and after, and why others are not there; a long plan in parts."""
    listed, notes = (len(plan.ops), len(plan.notes)) if whole else (_STEPS, _NOTES)
    for step in steps(plan, inventory):
        if step.number <= listed:
            op, after = step.op, show_shape(step.result.spec.shape)
            text = f"  {op.verb} {printable(op.key)}  {_effect(op, step.specs, after)}"
            console.print(Text(text.rstrip()), soft_wrap=True)
    if len(plan.ops) > listed:
        counts = Counter(op.verb for op in plan.ops[listed:])
        rest = ", ".join(f"{count} {verb}" for verb, count in counts.items())
        console.print(Text(f"  and {rest} (--verbose lists all)"))
    if not plan.ops:
        console.print(Text("  nothing to do"))
    for note in plan.notes[:notes]:
        print_paragraph(console, note, label="note: ", style="bold cyan", indent=2)
    if len(plan.notes) > notes:
        console.print(Text(f"  and {len(plan.notes) - notes} more notes (--verbose lists all)"))
    derived = derive(plan, inventory)
    computed = sum(item.spec.nbytes for item in derived.values() if item.origin is None)
    total = sum(item.spec.nbytes for item in derived.values())
    console.print(Text(f"  {human_bytes(total - computed)} copied as they are, {human_bytes(computed)} computed"))


def _effect(op: Op, taken: Sequence[TensorSpec], after: str) -> str:
    if isinstance(op, Drop):
        return after
    if isinstance(op, Rename):
        return f"-> {printable(op.to)}"
    if isinstance(op, Slice):
        return f"{show_shape(taken[0].shape)} -> {printable(op.to)} {after}"
    before = ", ".join(show_shape(spec.shape) for spec in (taken if isinstance(op, Concat) else taken[:1]))
    return f"{before} -> {after}" if before != after and before else after if not before else ""


def print_receipt(receipt: Receipt, console: Console) -> None:
    """Prints what was written."""
    how = "linked" if receipt.linked else "copied"
    left_out = f"{receipt.left_out:,} left out, " if receipt.left_out else ""
    console.print(
        Text.assemble(
            ("wrote ", "bold green"),
            f"{printable(receipt.prefix)}: {receipt.tensors:,} tensors, {receipt.changed:,} changed, {left_out}"
            f"{human_bytes(receipt.copied)} {how}, {human_bytes(receipt.computed)} computed",
        ),
        soft_wrap=True,
    )
    for path in receipt.files:
        console.print(Text(f"  {printable(str(path))}"), soft_wrap=True)
