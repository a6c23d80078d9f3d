"""Every code and its page: the rules' and the guard's, whose modules are their pages, and the file errors'."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.guard import not_as_locked, unused_ignore
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.errors import Corrupt, FormatError, MissingData, MixedSaves, NotACheckpoint

FILE_ERRORS: tuple[type[FormatError], ...] = (NotACheckpoint, MissingData, Corrupt, MixedSaves)


@dataclass(frozen=True, slots=True)
class Page:
    """A code's page.

    Attributes:
        code: `CKD###`.
        name: the condition.
        summary: the condition in a sentence, without a full stop.
        text: the page itself, Markdown, without its heading.
        fires: examples of the condition.
        silent: examples that look like it.
    """

    code: str
    name: str
    summary: str
    text: str
    fires: tuple[Example, ...] = ()
    silent: tuple[Example, ...] = ()


def pages() -> tuple[Page, ...]:
    """Every page, in the order of the codes."""
    collected = [_page(error.code, error.__doc__) for error in FILE_ERRORS]
    collected += [_page(condition.RULE.code, condition.__doc__) for condition in (not_as_locked, unused_ignore)]
    collected += [_page(rule.RULE.code, rule.__doc__, rule.FIRES, rule.SILENT) for rule in RULES]
    return tuple(sorted(collected, key=lambda page: page.code))


def _page(code: str, text: str | None, fires: tuple[Example, ...] = (), silent: tuple[Example, ...] = ()) -> Page:
    title, _, rest = inspect.cleandoc(text or "").partition("\n")
    name, _, summary = title.partition(": ")
    return Page(code, name, summary.rstrip("."), rest.strip(), fires, silent)
