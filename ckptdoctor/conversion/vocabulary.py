"""A table for another vocabulary: `--vocabulary OLD NEW`, two files with a word a line.

Words that both have keep their rows; the others get new ones. A table is `[words,…]`, or `[…,words]` of a projection onto
the vocabulary.

Source: TensorFlow, tensorflow/python/training/checkpoint_ops.py, `_load_and_remap_matrix` (what a remapping is).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import UsageError
from ckptdoctor.limits import MAX_VOCABULARY
from ckptdoctor.ops import Op, Rows, Transpose
from ckptdoctor.specs.inventory import Entry, Inventory

_NEW = re.compile(r"zeros|normal(?::(?P<deviation>\d*\.?\d+))?")
_DEVIATION = 0.02
"""BERT's `initializer_range`, which its tables are drawn from."""


def remap_vocabulary(inventory: Inventory, old: Path, new: Path, only: Sequence[str], new_rows: str) -> Plan:
    """Every tensor with a row, or a column, a word of the old vocabulary.

    Args:
        inventory: the checkpoint.
        old, new: the files.
        only: globs; the tables. Without them, every tensor that has as many rows or columns as the old file has words.
        new_rows: `zeros`, or `normal:DEVIATION` (0.02); slots of new words are zero.

    Raises:
        UsageError: a file cannot be read or has a word twice, or no tensor is a table of it.
    """
    words, wanted = _read(old), _read(new)
    match = _NEW.fullmatch(new_rows)
    if match is None:
        raise UsageError(f"--new-rows {new_rows!r}", hint="zeros, normal or normal:0.02")
    deviation = 0.0 if new_rows == "zeros" else float(match["deviation"] or _DEVIATION)
    place = {word: number for number, word in enumerate(words)}
    rows = tuple(place.get(word, -1) for word in wanted)
    ops: list[Op] = []
    for key, entry in inventory.variables.items():
        if only and not any(fnmatchcase(key, glob) for glob in only):
            continue
        axis = _axis(entry, len(words))
        if axis is None or not entry.spec.dtype.is_floating:
            if only:
                raise UsageError(
                    f"{key} {entry.spec} has no axis of {len(words):,}, the words of {old}",
                    hint="Name the vocabulary that the checkpoint was trained with.",
                )
            continue
        # A bias or a slot starts at zero, whatever the table is drawn from.
        drawn = deviation if len(entry.spec.shape) > 1 and not entry.owner else 0.0
        take = Rows(key, rows, 0.0, drawn)
        swap = Transpose(key, (1, 0))
        ops += [swap, take, swap] if axis else [take]
    if not ops:
        raise UsageError(
            f"{inventory.source} has no table of {len(words):,} rows, the words of {old}",
            hint="Name the vocabulary that the checkpoint was trained with.",
        )
    kept = sum(row >= 0 for row in rows)
    note = f"{kept:,} words keep their rows, {len(rows) - kept:,} are new, {len(words) - kept:,} are gone."
    return Plan(inventory.source, tuple(ops), (note,))


def _axis(entry: Entry, words: int) -> int | None:
    shape = entry.spec.shape
    if shape[:1] == (words,):
        return 0
    return 1 if len(shape) == 2 and shape[1] == words else None


def _read(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_VOCABULARY:
            raise UsageError(f"{path} is too large for a vocabulary", hint="One word a line.")
        words = path.read_text("utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="One word a line, UTF-8.") from error
    words = [word.removesuffix("\r") for word in words]
    if words[-1:] == [""]:
        words.pop()
    if len(set(words)) != len(words):
        twice = next(word for word in words if words.count(word) > 1)
        raise UsageError(f"{path} has {twice!r} twice", hint="A word has one row.")
    return words
