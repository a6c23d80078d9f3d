"""Text from files, made safe for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with control characters and undecodable bytes escaped: a key must not move the cursor."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode() for char in text
    )


def human_bytes(size: int) -> str:
    """A size as people read it: `553.4 MB`."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            return f"{size} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{size} B"
