"""What a shell completes: codes, and the names in the checkpoint that stands on the line already."""

from __future__ import annotations

import re
from contextlib import suppress

import typer

from ckptdoctor.api.opened import open as open_named
from ckptdoctor.errors import CkptDoctorError

_MOST = 200
"""Names; nobody reads more in a shell."""


def complete_codes(incomplete: str) -> list[tuple[str, str]]:
    """The codes of diagnostics that start so, with what they are about."""
    from ckptdoctor.api.explanation import rule_names

    return [(code, name) for code, name in rule_names().items() if code.startswith(incomplete)] if incomplete else []


def complete_keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """The checkpoint's keys that start so; up to the next slash where there are many."""
    keys = [key for key in _keys(ctx) if key.startswith(incomplete)]
    if len(keys) <= _MOST:
        return keys
    cut = re.compile(re.escape(incomplete) + "[^/]*/?")
    return list(dict.fromkeys(match[0] for key in keys if (match := cut.match(key))))[:_MOST]


def complete_scopes(ctx: typer.Context, incomplete: str) -> list[str]:
    """The scopes of the checkpoint's keys that start so."""
    scopes = dict.fromkeys(scope for key in _keys(ctx) for scope in _scopes(key))
    return [scope for scope in scopes if scope.startswith(incomplete)][:_MOST]


def _scopes(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _keys(ctx: typer.Context) -> list[str]:
    """The keys of every checkpoint that stands on the line; an option without its value leaves the line unparsed."""
    named = ctx.params.get("checkpoint")
    keys: list[str] = []
    for word in [named] if named else ctx.args:
        with suppress(CkptDoctorError):  # a shell waits for names, not for an explanation
            keys += open_named(word)
    return keys
