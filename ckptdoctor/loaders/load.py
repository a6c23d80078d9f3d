"""What a load does, variable by variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """What one call of an owner's loader does with a checkpoint.

    Attributes:
        call: the call as a person writes it, such as `model.load_weights(path)`.
        given: key of a variable → key of the checkpoint whose value it holds afterwards, whatever that value's shape.
        kept: keys of the variables that keep the values they had.
        error: what is raised, as `Class: first line`; empty if nothing is. `given` and `kept` then say what the
            variables hold when it is raised: a loader does not undo what it has assigned.
        warnings: what is printed without being raised, a sentence each.
        ignored: keys of the checkpoint that no variable is given.
        zeroed: keys of variables that the loader sets to zero, such as those of LoRA.
        causes: what failed for each of several objects, where `error` or a warning names only how many, as
            `Class: first line`.
    """

    call: str
    given: Mapping[str, str]
    kept: tuple[str, ...] = ()
    error: str = ""
    warnings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    zeroed: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
