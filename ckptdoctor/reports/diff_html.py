"""A diagnosis as a page: the findings with their remedies, and both sides as columns of layers, pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ckptdoctor.alignment.pairs import Alignment, Status
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.reports.page import differing, document, draw_shape, html_text, layer_of, show_spec, tools
from ckptdoctor.reports.view import ShownFinding, ShownRemedy, View, view_of
from ckptdoctor.specs.objects import OBJECT_VALUE
from ckptdoctor.specs.tensor import TensorSpec

SIGNS: dict[Status, str] = {"matched": "=", "mismatched": "≠", "renamed": "↷", "missing": "∅", "unexpected": "+"}
"""How a status is drawn."""
_WORST_FIRST: tuple[Status, ...] = ("mismatched", "missing", "renamed", "matched", "unexpected")
_LISTED = 12


@dataclass(frozen=True, slots=True)
class _Row:
    """A pair, or a side that has no other."""

    status: Status
    layers: tuple[str, str]
    lhs: str = ""
    rhs: str = ""
    lhs_spec: TensorSpec | None = None
    rhs_spec: TensorSpec | None = None


def diff_page(diagnosis: Diagnosis) -> str:
    """The whole page."""
    view = view_of(diagnosis)
    rows = list(_rows(diagnosis.alignment))
    anchors = {name: f"v{number}" for number, row in enumerate(rows) for name in (row.rhs, row.lhs) if name}
    return document(view.title, [_header(view), "<main>", *_findings(view, anchors), *_layers(rows), "</main>"])


def _header(view: View) -> str:
    notes = "".join(f'<p class="note">{html_text(note)}</p>' for note in view.notes)
    random = ", ".join(view.random[:_LISTED]) + (" …" if len(view.random) > _LISTED else "")
    stays = f"<dt>would stay random</dt><dd>{html_text(random)}</dd>" if random else ""
    return (
        "<header><h1>ckptdoctor diff</h1><dl class='sides'>"
        f"<dt>graph (lhs)</dt><dd><code>{html_text(view.graph)}</code> {html_text(view.graph_kind)}</dd>"
        f"<dt>checkpoint (rhs)</dt><dd><code>{html_text(view.checkpoint)}</code> {html_text(view.format)}</dd>"
        f'{stays}</dl>{notes}<p class="outcome{"" if view.clean else " bad"}"><b>On restore:</b> '
        f"{html_text(view.outcome)}</p></header>"
    )


def _findings(view: View, anchors: Mapping[str, str]) -> Iterator[str]:
    count = len(view.findings)
    yield f'<section aria-labelledby="findings"><h2 id="findings">{count} finding{"" if count == 1 else "s"}</h2>'
    if view.clean:
        yield f"<p>{html_text(view.verdict)}</p>"
    for finding in view.findings:
        yield _finding(finding, anchors)
    if view.harmless:
        listed = ", ".join(f"{group.rule.code} {group.rule.name} ({len(group.findings)})" for group in view.harmless)
        yield f'<p class="note">Breaks nothing: {html_text(listed)}.</p>'
    yield "</section>"


def _finding(finding: ShownFinding, anchors: Mapping[str, str]) -> str:
    rule, diagnostic = finding.rule, finding.diagnostic
    anchor = anchors.get(diagnostic.key) or anchors.get(finding.name)
    name = html_text(finding.name)
    shown = f'<a href="#{anchor}">{name}</a>' if anchor else name
    place = ""
    if diagnostic.location:
        line = f"{diagnostic.location.line:>4} | {diagnostic.location.text.expandtabs(4)}"
        where = f"{diagnostic.location.file}:{diagnostic.location.line}"
        place = f'<p class="note">{html_text(where)}</p><pre>{html_text(line)}</pre>'
    evidence = "".join(f"<li>{html_text(sentence)}</li>" for sentence in diagnostic.evidence)
    first, *others = [*map(_remedy, finding.remedies), ""]
    more = (
        f"<details><summary>other ways ({len(others) - 1})</summary>{''.join(others)}</details>"
        if len(others) > 1
        else ""
    )
    return (
        f'<article class="{rule.severity}"><h3><span class="code">{rule.severity} {rule.code}</span> '
        f'{rule.name}: <span class="name">{shown}</span></h3><p class="shape">{html_text(finding.sides)}</p>{place}'
        f"<p>{html_text(diagnostic.message)} ({diagnostic.confidence})</p><ul>{evidence}</ul>{first}{more}</article>"
    )


def _remedy(remedy: ShownRemedy) -> str:
    kind = f" ({remedy.safety})" if remedy.safety else ""
    text = "\n".join(map(html_text, remedy.text.split("\n")))
    paste = f'<div class="paste"><pre>{text}</pre><button type="button">copy</button></div>' if text else ""
    return f'<div class="remedy"><b>help:</b> {html_text(remedy.title)}{kind}{paste}</div>'


def _rows(alignment: Alignment) -> Iterator[_Row]:
    """The pairs and the missing in the graph's order, the unexpected behind the layer that they are named for."""
    names = {variable.name for variable in alignment.graph.variables}
    keys = alignment.inventory.entries
    row_of = {}
    for pair in alignment.pairs:
        layers = layer_of(pair.variable.name, names), layer_of(pair.entry.key, keys)
        row_of[pair.variable.key] = _Row(
            pair.status, layers, pair.variable.name, pair.entry.key, pair.variable.spec, pair.entry.spec
        )
    for item in alignment.missing:
        row_of[item.key] = _Row("missing", (layer_of(item.name, names), ""), item.name, lhs_spec=item.spec)
    unclaimed: dict[str, list[_Row]] = {}
    for entry in alignment.unexpected:
        layer = layer_of(entry.key, keys)
        unclaimed.setdefault(layer, []).append(_Row("unexpected", ("", layer), rhs=entry.key, rhs_spec=entry.spec))
    order = [row_of[variable.key] for variable in alignment.graph.variables if variable.key in row_of]
    for row, following in zip(order, [*order[1:], None], strict=True):
        yield row
        if following is None or following.layers != row.layers:
            yield from unclaimed.pop(row.layers[1] or row.layers[0], ())
    for rows in unclaimed.values():
        yield from rows


def _layers(rows: Iterable[_Row]) -> Iterator[str]:
    groups: list[list[tuple[int, _Row]]] = []
    names = ("", "")
    counts: Counter[Status] = Counter()
    for number, row in enumerate(rows):
        counts[row.status] += 1
        if groups and _same_layer(names, row.layers):
            names = names[0] or row.layers[0], names[1] or row.layers[1]
        else:
            names = row.layers
            groups.append([])
        groups[-1].append((number, row))
    buttons = "".join(
        f'<button type="button" data-status="{status}" aria-pressed="true">{SIGNS[status]} {counts[status]:,} {status}</button>'
        for status in SIGNS
        if counts[status]
    )
    yield f'<section aria-labelledby="layers"><h2 id="layers">Layers</h2>{tools(buttons)}'
    yield '<div class="heads" aria-hidden="true"><span>graph (lhs)</span><span></span><span>checkpoint (rhs)</span></div>'
    yield from map(_layer, groups)
    yield "</section>"


def _same_layer(layers: tuple[str, str], others: tuple[str, str]) -> bool:
    """Whether two rows belong to one layer: no side contradicts, and one agrees."""
    sides = list(zip(layers, others, strict=True))
    return all(a == b or not a or not b for a, b in sides) and any(a == b for a, b in sides if a or b)


def _layer(members: list[tuple[int, _Row]]) -> str:
    statuses = {row.status for _, row in members}
    worst = next(status for status in _WORST_FIRST if status in statuses)
    opened = "" if statuses <= {"matched", "unexpected"} else " open"
    left = next((row.layers[0] or "(no scope)" for _, row in members if row.lhs), "")
    right = next((row.layers[1] or "(no scope)" for _, row in members if row.rhs), "")
    body = "".join(_table_row(number, row) for number, row in members)
    return (
        f'<details class="layer"{opened}><summary><span class="two {worst}"><span class="name">{html_text(left)}</span>'
        f'{_join(worst, "span")}<span class="name">{html_text(right)}</span></span></summary><table class="two">'
        f'<caption class="unseen">{html_text(left or right)}</caption><colgroup><col><col class="join"><col></colgroup>'
        '<thead class="unseen"><tr><th scope="col">graph (lhs)</th><th scope="col">status</th>'
        f'<th scope="col">checkpoint (rhs)</th></tr></thead><tbody>{body}</tbody></table></details>'
    )


def _join(status: Status, tag: str) -> str:
    return f'<{tag} class="join"><i>{SIGNS[status]} <span class="word">{status}</span></i></{tag}>'


def _table_row(number: int, row: _Row) -> str:
    shapes = [spec.shape if spec else None for spec in (row.lhs_spec, row.rhs_spec)]
    lhs = _side(_label(row.lhs, row.layers[0]), row.lhs_spec, shapes[1], mirrored=True)
    rhs = _side(_label(row.rhs, row.layers[1]), row.rhs_spec, shapes[0], mirrored=False)
    return f'<tr class="{row.status}" id="v{number}"><td class="lhs">{lhs}</td>{_join(row.status, "td")}<td>{rhs}</td></tr>'


def _label(name: str, layer: str) -> str:
    return name.removesuffix(OBJECT_VALUE).removeprefix(f"{layer}/")


def _side(label: str, spec: TensorSpec | None, other: tuple[int, ...] | None, *, mirrored: bool) -> str:
    if spec is None:
        return ""
    apart = differing(spec.shape, other)
    text = f'<span><span class="name">{html_text(label)}</span>{show_spec(spec, apart)}</span>'
    bars = draw_shape(spec.shape, apart)
    return f'<div class="cell">{text + bars if mirrored else bars + text}</div>'
