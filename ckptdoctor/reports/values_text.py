"""Values for a person: a line a layer that changed, a picture of each tensor's distribution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from ckptdoctor.reports.paragraph import print_paragraph
from ckptdoctor.reports.printable import printable
from ckptdoctor.values.comparison import ValueDifference
from ckptdoctor.values.statistics import Statistics

_BARS = " ▁▂▃▄▅▆▇█"
_REMARKS = 20
_PICTURED = 12


def print_differences(differences: Sequence[ValueDifference], console: Console) -> None:
    """Prints the layers whose values differ, what is odd, and the totals."""
    layers: dict[str, list[ValueDifference]] = {}
    for item in differences:
        if item.state != "equal":
            layers.setdefault(item.lhs.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE").rpartition("/")[0], []).append(item)
    console.print(Text("values", style="bold"))
    width = max((len(printable(layer)) for layer in layers), default=0)
    for layer, items in layers.items():
        worst = max(items, key=lambda item: item.relative)
        changed, elements = sum(item.changed for item in items), sum(item.elements for item in items)
        states = "/".join(sorted({item.state for item in items}))
        share = f"{changed / elements:.0%} of {elements:,}" if elements else "no elements"
        ulps = f", {worst.ulps:,} ulp" if worst.ulps else ""
        apart = f"largest {worst.absolute:.3g} ({worst.relative:.2g} relative{ulps})"
        line = f"  {printable(layer) or '(no scope)':<{width}}  {states}, {share}, {apart}"
        console.print(Text(line), soft_wrap=True)
    odd = [f"{printable(item.lhs)}: {remark}" for item in differences for remark in item.remarks]
    for remark in odd[:_REMARKS]:
        print_paragraph(console, remark, label="note: ", style="bold yellow", indent=2)
    if len(odd) > _REMARKS:
        console.print(Text(f"  and {len(odd) - _REMARKS} more notes (--format json lists all)"))
    counts = Counter(item.state for item in differences)
    words = ", ".join(f"{counts[state]} {state}" for state in ("equal", "close", "changed", "incomparable"))
    console.print(Text.assemble(("summary of values: ", "bold"), words))
    if differences and counts["equal"] == len(differences):
        nothing = "Every value is equal bit for bit: whatever ran between the two saves changed nothing."
        print_paragraph(console, nothing, label="note: ", style="bold cyan", indent=2)


def print_statistics(statistics: Iterable[Statistics], console: Console) -> None:
    """Prints a line a tensor: range, mean, deviation, a histogram, and what is odd."""
    rows = list(statistics)
    width = max((len(printable(row.key)) for row in rows), default=0)
    for row in rows:
        console.print(Text(f"{printable(row.key):<{width}}  {statistics_line(row)}"), soft_wrap=True)


def statistics_line(item: Statistics) -> str:
    """A tensor's histogram, range, mean and deviation, and what is odd about it."""
    odd = "".join(f", {count:,} {what}" for what, count in (("NaN", item.nans), ("Inf", item.infinities)) if count)
    zeros = f", {item.zeros:,} zero" if item.zeros else ""
    numbers = f"[{item.minimum:.3g}, {item.maximum:.3g}] mean {item.mean:.3g} std {item.deviation:.3g}"
    return f"{_picture(item.histogram)}  {numbers}{zeros}{odd}"


def _picture(histogram: Sequence[int]) -> str:
    """The histogram in few enough bins to be read as text."""
    step = max(1, len(histogram) // _PICTURED)
    counts = [sum(histogram[start : start + step]) for start in range(0, len(histogram), step)]
    most = max(counts, default=0)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] if most else " " for count in counts)
