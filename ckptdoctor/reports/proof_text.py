"""What a load by the owner's own loader proved."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ckptdoctor.proof.outputs import Compared
from ckptdoctor.proof.restore import Restored
from ckptdoctor.proof.written import Proof
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.reports.printable import printable
from ckptdoctor.specs.tensor import show_shape

_LISTED = 10


def print_proof(proof: Proof, output: str, console: Console) -> None:
    """Prints whether what a conversion wrote loads into the graph."""
    if proof.fresh:
        count, names = len(proof.fresh), _listed(proof.fresh)
        print_paragraph(
            console, f"{count:,} variables have initial values: {names}", label="fresh: ", style="bold yellow"
        )
    if proof.unfit:
        count, names = len(proof.unfit), _listed(proof.unfit)
        text = printable(f"{count:,} of {proof.variables:,} variables have no fitting value in it: {names}")
        console.print(
            Text.assemble(
                ("wrote ", "bold green"), f"{printable(output)}; ", ("it does NOT fit yet: ", "bold red"), text
            ),
            soft_wrap=True,
        )
        if proof.call:
            rest = proof.variables - len(proof.unfit)
            print_paragraph(
                console, f"This loads the other {rest:,}, each was compared:", label="help: ", style="bold cyan"
            )
            for line in proof.call.splitlines():
                console.print(Text(f"    {printable(line)}"), soft_wrap=True)
        elif not proof.unproved:
            _print_error(proof.error, console)
    if proof.unproved:
        print_paragraph(console, proof.unproved, label="not proved: ", style="bold yellow")
    elif not proof.unfit:
        text = f"{proof.held:,} of {proof.variables:,} variables hold the stored values after {proof.call}"
        console.print(Text.assemble(("proved: ", "bold green"), printable(text)), soft_wrap=True)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest:,} more" if rest > 0 else "")


def _print_error(error: str, console: Console) -> None:
    for line in error.splitlines():
        console.print(Text(f"    {printable(line.expandtabs(4))}".rstrip(), style="dim"), soft_wrap=True)


def print_restored(restored: Restored, console: Console) -> None:
    """Prints what the owner's own loader did."""
    if restored.proved:
        text = f"{restored.restored:,} of {restored.variables:,} variables hold the stored values after {restored.call}"
        console.print(Text.assemble(("ok ", "bold green"), printable(text)), soft_wrap=True)
        if restored.unconsumed:
            print_paragraph(
                console, f"assert_consumed() would say: {restored.unconsumed}", label="note: ", style="bold cyan"
            )
        return
    if restored.reason:
        console.print(Text.assemble(("failed ", "bold red"), printable(restored.reason)), soft_wrap=True)
        return
    if restored.refused:
        console.print(Text.assemble(("failed ", "bold red"), printable(f"{restored.call} raises")), soft_wrap=True)
        _print_error(restored.refused, console)
    lines = [f"{name} is not in the checkpoint" for name in restored.missing] + list(restored.wrong)
    for line in lines[:_LISTED]:
        console.print(Text.assemble(("failed ", "bold red"), printable(line)), soft_wrap=True)
    if len(lines) > _LISTED:
        console.print(Text(f"  and {len(lines) - _LISTED} more"))
    console.print(Text("  help: ckptdoctor diff says why."))


def print_compared(compared: Compared, console: Console) -> None:
    """Prints how two outputs differ."""
    one, other = (show_shape(shape) for shape in compared.shapes)
    if one != other:
        text = f"the outputs have different shapes: {compared.outputs[0]} {one}, {compared.outputs[1]} {other}"
        console.print(Text.assemble(("failed ", "bold red"), printable(text)), soft_wrap=True)
        return
    label, style = ("ok ", "bold green") if compared.agrees else ("failed ", "bold red")
    text = (
        f"outputs {one} on the same random inputs: maximum absolute difference {compared.absolute:.3g}, "
        f"relative {compared.relative:.3g} of {compared.largest:.3g} (tolerance {compared.tolerance:g})"
    )
    print_paragraph(console, text, label=label, style=style)
