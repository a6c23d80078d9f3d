"""Python source to paste into the user's program."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from keyword import iskeyword
from string import Template


@dataclass(frozen=True, slots=True)
class Code:
    """Python source, made by `of`: what comes from a file is a literal in it, and never source."""

    text: str

    @classmethod
    def of(cls, template: str, /, **literals: object) -> Code:
        """The template with each `$name` replaced by the literal of that value (its `repr`)."""
        return cls(Template(template).substitute({name: repr(value) for name, value in literals.items()}))

    def before(self, line: str) -> Code:
        """This, and below it a line of the user's own program, unless that line is a part of a longer statement."""
        try:
            ast.parse(line)
        except (SyntaxError, ValueError):
            return self
        return Code(f"{self.text}\n{line}".rstrip())

    def __str__(self) -> str:
        return self.text


def is_identifier(name: str) -> bool:
    """Whether a name can stand in Python source as it is."""
    return name.isidentifier() and not iskeyword(name)
