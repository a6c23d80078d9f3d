"""An inventory as a page: layers, shapes, sizes, and where values were read, what each distribution looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import isnan

from ckptdoctor.reports.page import document, draw_shape, html_text, layer_of, show_spec, tools
from ckptdoctor.reports.printable import human_bytes
from ckptdoctor.specs.inventory import Entry, Inventory
from ckptdoctor.specs.objects import OBJECT_VALUE
from ckptdoctor.values.statistics import Statistics

_NUMBERS = ("range", "mean", "deviation", "bytes")
_WIDE, _HIGH = 192, 40
"""Pixels of a histogram."""


def inspect_page(inventory: Inventory, statistics: Iterable[Statistics] = ()) -> str:
    """The whole page."""
    described = {item.key: item for item in statistics}
    layers: dict[str, list[Entry]] = {}
    for entry in inventory.variables.values():
        layers.setdefault(_layer_of(entry, inventory), []).append(entry)
    entries = inventory.variables.values()
    total = (
        f"{len(inventory.variables):,} variables, {sum(entry.spec.elements for entry in entries):,} parameters, "
        f"{human_bytes(sum(entry.spec.nbytes for entry in entries))}"
    )
    notes = "".join(f'<p class="note">{html_text(note)}</p>' for note in inventory.notes)
    header = (
        "<header><h1>ckptdoctor inspect</h1><dl class='sides'>"
        f"<dt>checkpoint</dt><dd><code>{html_text(inventory.source)}</code> {html_text(inventory.format)}</dd>"
        f"<dt>holds</dt><dd>{total}</dd></dl>{notes}</header>"
    )
    body = [_layer(name, members, described) for name, members in layers.items()]
    section = f'<main><section aria-labelledby="layers"><h2 id="layers">Layers</h2>{tools()}'
    return document(inventory.source, [header, section, *body, "</section></main>"])


def _layer_of(entry: Entry, inventory: Inventory) -> str:
    owner = inventory.entries.get(entry.owner, entry)
    return owner.path.rpartition("/")[0] if owner.path else layer_of(owner.key, inventory.entries)


def _layer(name: str, members: Sequence[Entry], described: dict[str, Statistics]) -> str:
    size = human_bytes(sum(entry.spec.nbytes for entry in members))
    columns = ["variable", *(["distribution", "range", "mean", "deviation"] if described else []), "bytes"]
    heads = "".join(
        f'<th scope="col"{" class=number" if column in _NUMBERS else ""}>{column}</th>' for column in columns
    )
    rows = "".join(f"<tr>{''.join(_cells(name, entry, described))}</tr>" for entry in members)
    count = f"{len(members)} variable{'' if len(members) == 1 else 's'}"
    return (
        f'<details class="layer" open><summary><span class="name">{html_text(name) or "(no scope)"}</span> '
        f'<span class="shape">{count}, {size}</span></summary><table>'
        f'<caption class="unseen">{html_text(name)}</caption><thead class="once"><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _cells(layer: str, entry: Entry, described: dict[str, Statistics]) -> Iterator[str]:
    spec = entry.spec
    label = (entry.path or entry.key.removesuffix(OBJECT_VALUE)).removeprefix(f"{layer}/")
    same = [False] * len(spec.shape)
    yield (
        f'<td><div class="cell">{draw_shape(spec.shape, same)}<span><span class="name" title="{html_text(entry.key)}">'
        f"{html_text(label)}</span> {show_spec(spec, same)}</span></div></td>"
    )
    item = described.get(entry.key)
    if item:
        odd = "".join(
            f' <span class="odd">{count:,} {what}</span>'
            for what, count in (("NaN", item.nans), ("Inf", item.infinities))
            if count
        )
        zeros = f' <span class="shape">{item.zeros:,} zero</span>' if item.zeros else ""
        yield f"<td>{_histogram(item)}{odd}{zeros}</td>"
        yield f'<td class="number">{_number(item.minimum)} to {_number(item.maximum)}</td>'
        yield f'<td class="number">{_number(item.mean)}</td><td class="number">{_number(item.deviation)}</td>'
    elif described:
        yield "<td></td><td></td><td></td><td></td>"
    yield f'<td class="number">{human_bytes(spec.nbytes)}</td>'


def _number(value: float) -> str:
    return "—" if isnan(value) else f"{value:.3g}"


def _histogram(item: Statistics) -> str:
    """The counts as bars; what it shows is said in words, too."""
    most = max(item.histogram, default=0)
    if not most:
        return ""
    wide = _WIDE / len(item.histogram)
    path = ""
    for number, count in enumerate(item.histogram):
        # Even one element shows: a far outlier is what such a picture is looked at for.
        height = max(1.5, _HIGH * count / most) if count else 0
        if height:
            path += f"M{number * wide:g} {_HIGH}v-{height:.3g}h{wide - 0.5:g}v{height:.3g}z"
    label = f"{item.key}: from {item.minimum:.3g} to {item.maximum:.3g}, mean {item.mean:.3g}"
    return (
        f'<svg class="histogram" role="img" aria-label="{html_text(label)}" width="{_WIDE}" height="{_HIGH}">'
        f'<path d="{path}"/></svg>'
    )
