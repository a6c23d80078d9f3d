"""A command line as its arguments, and the regular expressions that name a key in one.

The only place that quotes for a shell, and the only one that escapes for `--rename` and `--exclude`: a name from a file
is an argument, or a part of one, and never shell text or a pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote


@dataclass(frozen=True, slots=True)
class Command:
    """A command to paste: `str` gives the text that a POSIX shell takes apart into exactly these arguments."""

    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(map(_quoted, self.arguments))


def own_command(*arguments: str) -> Command:
    """A command of this program's."""
    return Command(("ckptdoctor", *arguments))


def operand(path: str) -> str:
    """A path as an argument that stands for itself: one that starts with a dash is no option (POSIX, Utility Conventions)."""
    return f"./{path}" if path.startswith("-") else path


def rename_argument(key: str, to: str) -> str:
    """What `--rename` takes to give exactly this key another name."""
    return rf"^{literal_pattern(key)}\Z={_literal_replacement(to)}"


def rename_scope_argument(scope: str, to: str) -> str:
    """What `--rename` takes to put every key that starts so under another scope; both end in a slash, or are empty."""
    return rf"^{literal_pattern(scope)}={_literal_replacement(to)}"


def literal_pattern(text: str) -> str:
    """A regular expression that matches exactly this text.

    An `=` is escaped, too, because `--rename` ends the expression at the first one, and what is not printable, so that
    it can be read and pasted.
    """
    return "".join(map(_literal, text))


def _literal(char: str) -> str:
    if char == "=" or not char.isprintable():
        code = ord(char)
        return rf"\x{code:02x}" if code < 0x100 else rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"
    return char if char in "-/ " else re.escape(char)


def _literal_replacement(text: str) -> str:
    """A replacement of `re.sub` that stands for exactly this text: it knows octal escapes and no others for characters."""
    return "".join(
        rf"\{ord(char):03o}" if not char.isprintable() and ord(char) < 0x100 else char.replace("\\", r"\\")
        for char in text
    )


def _quoted(argument: str) -> str:
    """An argument as the shell wants it; what is not printable goes through printf, which every POSIX shell has."""
    if argument.isprintable():
        return quote(argument)
    try:
        data = argument.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        data = argument.encode("utf-8", "surrogatepass")  # no name of a file, but a report must hold it
    text = data.rstrip(b"\n")
    octal = "".join(chr(byte) if _stands_for_itself(byte) else rf"\{byte:03o}" for byte in text)
    # A command substitution loses newlines at its end.
    newlines = "\n" * (len(data) - len(text))
    return f"\"$(printf '{octal}')\"" + (f"'{newlines}'" if newlines else "")


def _stands_for_itself(byte: int) -> bool:
    """Whether a byte means itself within single quotes, printf's format, and bash's history."""
    return 0x20 <= byte < 0x7F and byte not in b"'%\\!"
