"""`--include` and `--exclude`: which names take part."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.name import scope_of
from ckptdoctor.specs.near_names import did_you_mean


def scope_filter(include: Sequence[str], exclude: Sequence[str], names: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name takes part: a scope of `include` matches its start, if there are any, and none of `exclude` does.

    Args:
        include: regular expressions.
        exclude: regular expressions.
        names: the names of both sides.

    Raises:
        UsageError: a scope is no valid regular expression, or matches no name.
    """
    for scope in (*include, *exclude):
        _require_match(scope, names)
    included, excluded = [[_compiled(scope) for scope in scopes] for scopes in (include, exclude)]

    def takes_part(name: str) -> bool:
        if included and not any(scope.match(name) for scope in included):
            return False
        return not any(scope.match(name) for scope in excluded)

    return takes_part


def _compiled(scope: str) -> re.Pattern[str]:
    try:
        return re.compile(scope)
    except re.error as error:
        raise UsageError(
            f"scope {error.pattern!r} is no regular expression: {error}", hint="For example --exclude vgg_16/fc8."
        ) from error


def _require_match(scope: str, names: Sequence[str]) -> None:
    pattern = _compiled(scope)
    if not any(map(pattern.match, names)):
        parents = dict.fromkeys(map(scope_of, names))
        hint = did_you_mean(scope, parents) or "A scope is tried at the start of a name, as in slim."
        raise UsageError(f"scope {scope!r} matches no name of the graph or the checkpoint", hint=hint)
