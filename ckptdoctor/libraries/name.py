"""A name, read: the words and numbers of its scope, and what the variable is to its layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ckptdoctor.libraries.dialects import KINDS, ROLE_OF, WRAPPINGS
from ckptdoctor.specs.inventory import Entry

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN = re.compile(r"[a-z]+|\d+")

Tokens = tuple[str | int, ...]


@dataclass(frozen=True)
class Name:
    """A key, read in every dialect.

    Attributes:
        scope: the layer's scope as the key has it; for `weight_conv1` what is left without the role's word.
        role: `kernel`, `bias`, `gamma`, …; the last word itself where it is none of these.
    """

    scope: str
    role: str

    @cached_property
    def components(self) -> tuple[Tokens, ...]:
        """The scope's components as words and numbers, without one that the next one repeats."""
        parts = [_tokens(part) for part in self.scope.split("/") if part]
        following = [*parts[1:], ()]
        return tuple(
            part for part, after in zip(parts, following[: len(parts)], strict=True) if after[: len(part)] != part
        )

    @cached_property
    def tokens(self) -> Tokens:
        """All words and numbers of the scope."""
        return tuple(token for part in self.components for token in part)


@lru_cache(maxsize=1 << 18)
def read_name(key: str) -> Name:
    """A key as scope and role."""
    bare = WRAPPINGS.sub("", key)
    scope, _, leaf = bare.rpartition("/")
    word = leaf.lower().strip("_")
    if word in ROLE_OF:
        return Name(scope, ROLE_OF[word])
    tokens = re.split(r"_+", word)
    rest = leaf.split("_")
    # `weight_conv1`, `W_fc1`, `hidden_init_0_w`: the role stands at one end, and the rest tells the layer.
    if len(tokens) > 1 and len(rest) == len(tokens):
        for end, remaining in ((-1, rest[:-1]), (0, rest[1:])):
            if tokens[end] in ROLE_OF and any(part for part in remaining):
                return Name(f"{scope}/{'_'.join(remaining)}".lstrip("/"), ROLE_OF[tokens[end]])
    return Name(bare, "")


def scope_of(name: str) -> str:
    """The scope that a variable stands in, as the name has it; the name itself where it stands in none."""
    return name.rpartition("/")[0] or name


def read_entry(entry: Entry) -> Name:
    """The name that a checkpoint records beside an entry's key, where it does; else the key."""
    return read_name(entry.name or entry.key)


def _tokens(component: str) -> Tokens:
    text = _HUMP.sub("_", component).lower()
    for pattern, word in KINDS:
        text = pattern.sub(word, text)
    return tuple(int(token) if token.isdigit() else token for token in _TOKEN.findall(text))
