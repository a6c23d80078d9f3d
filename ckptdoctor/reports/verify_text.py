"""What a verification found."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ckptdoctor.proof.outputs import Compared
from ckptdoctor.proof.restore import Restored
from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.reports.printable import printable
from ckptdoctor.specs.tensor import show_shape

_LISTED = 10


def print_restored(restored: Restored, console: Console) -> None:
    """Prints what TensorFlow's restore did."""
    if restored.proved:
        text = f"{restored.variables:,} variables restored by TensorFlow: stored bytes, declared shapes"
        console.print(Text.assemble(("ok ", "bold green"), text))
        if restored.unconsumed:
            print_paragraph(
                console, f"assert_consumed() would say: {restored.unconsumed}", label="note: ", style="bold cyan"
            )
        return
    lines = [f"TensorFlow refused: {restored.refused}"] if restored.refused else []
    lines += [f"{key} is not in the checkpoint" for key in restored.missing] + list(restored.wrong)
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
        console.print(Text.assemble(("failed ", "bold red"), text), soft_wrap=True)
        return
    label, style = ("ok ", "bold green") if compared.agrees else ("failed ", "bold red")
    text = (
        f"outputs {one} on the same random inputs: maximum absolute difference {compared.absolute:.3g}, "
        f"relative {compared.relative:.3g} of {compared.largest:.3g} (tolerance {compared.tolerance:g})"
    )
    print_paragraph(console, text, label=label, style=style)
