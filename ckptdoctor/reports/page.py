"""A page for a browser: one file, no network, with its style and script inside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Container, Iterable, Sequence
from html import escape
from math import log2
from pathlib import Path

from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.reports.printable import printable
from ckptdoctor.specs.objects import OBJECT_VALUE
from ckptdoctor.specs.tensor import Shape, TensorSpec
from ckptdoctor.version import __version__

_HIGHEST, _WIDE, _STEP = 26, 6, 8
"""Pixels: the highest bar of a shape, a bar's width, and from bar to bar."""


def html_text(text: str) -> str:
    """Text as HTML: nothing of it is markup, and a control character is shown, not obeyed."""
    return escape(printable(text))


def document(title: str, parts: Iterable[str]) -> str:
    """The whole page.

    Its policy lets it load nothing, and run no script but its own.
    """
    here = Path(__file__)
    style = here.with_name("page.css").read_text("utf-8")
    script = here.with_name("page.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{html_text(title)}</title>",
            f"<style>{style}</style>",
            '<a class="skip" href="#layers">Skip to the layers</a>',
            *parts,
            f"<footer>ckptdoctor {__version__}</footer>",
            '<div id="said" class="unseen" role="status"></div>',
            f"<script>{script}</script>",
            "</html>",
            "",
        ]
    )


def in_notebook(page: str) -> str:
    """A page within another one: a frame that neither style nor script leaves."""
    return (
        f'<iframe srcdoc="{escape(page)}" sandbox="allow-scripts allow-popups" title="ckptdoctor" '
        'style="width:100%;height:36rem;border:1px solid #8888"></iframe>'
    )


def tools(buttons: str = "") -> str:
    """The search box, with buttons that choose by status behind it."""
    steps = " <kbd>n</kbd> <kbd>p</kbd> next, previous disagreement" if buttons else ""
    return (
        '<div class="tools" role="search"><label class="unseen" for="search">Search the variables</label>'
        '<input id="search" type="search" placeholder="Search names, shapes, types" autocomplete="off">'
        f"{buttons}"
        '<button type="button" data-open="all">open all</button><button type="button" data-open="none">close all</button>'
        '<output id="found" for="search" aria-live="polite"></output>'
        f'<span class="wide note"><kbd>/</kbd> search{steps}</span></div>'
    )


def layer_of(key: str, keys: Container[str]) -> str:
    """The scope that a variable is shown under: its own, or for training state that of the variable it belongs to."""
    state = training_state(key)
    owner = state.owner if state and state.owner in keys else key
    return owner.removesuffix(OBJECT_VALUE).rpartition("/")[0]


def show_spec(spec: TensorSpec, apart: Sequence[bool]) -> str:
    """A shape as text, the sizes that differ from the other side's marked."""
    sizes = (
        f"<mark>{_size(size)}</mark>" if differs else _size(size)
        for size, differs in zip(spec.shape, apart, strict=True)
    )
    return f'<span class="shape">[{",".join(sizes)}] {spec.dtype}</span>'


def _size(size: int) -> str:
    return "?" if size < 0 else str(size)


def draw_shape(shape: Shape, apart: Sequence[bool]) -> str:
    """A bar a dimension, as high as the logarithm of its size; those that differ from the other side's in another colour."""
    paths = {False: "", True: ""}
    for number, (size, differs) in enumerate(zip(shape, apart, strict=True)):
        height = min(_HIGHEST, 2 + round(2 * log2(max(1, size))))
        paths[differs] += f"M{number * _STEP} {_HIGHEST}v-{height}h{_WIDE}v{height}z"
    same, other = (
        f'<path{name} d="{paths[key]}"/>' if paths[key] else "" for key, name in ((False, ""), (True, ' class="apart"'))
    )
    width = max(1, len(shape)) * _STEP
    return f'<svg class="bars" width="{width}" height="{_HIGHEST}" aria-hidden="true">{same}{other}</svg>'


def differing(mine: Shape, theirs: Shape | None) -> list[bool]:
    """Which sizes have no equal on the other side, compared from the last dimension on; an unknown size equals any."""
    if theirs is None:
        return [False] * len(mine)
    padded = (None,) * max(0, len(mine) - len(theirs)) + theirs[max(0, len(theirs) - len(mine)) :]
    return [
        other is None or (size != other and -1 not in (size, other)) for size, other in zip(mine, padded, strict=True)
    ]
