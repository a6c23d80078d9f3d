"""What a person decides about names: `--ema`, `--rename 'REGEX=REPLACEMENT'` and `--map FILE`.

A map is TOML or JSON (one table, the checkpoint's key to the graph's) or text with two names a line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ckptdoctor import toml_text
from ckptdoctor.conversion.averages import averages_to_variables
from ckptdoctor.conversion.plan import Plan, carried_out, concat
from ckptdoctor.conversion.slots import with_slots
from ckptdoctor.errors import UsageError
from ckptdoctor.ops import Drop, Op, Rename
from ckptdoctor.specs.command import operand, own_command, rename_argument
from ckptdoctor.specs.inventory import OBJECT_GRAPH_KEY, Inventory
from ckptdoctor.specs.objects import SAVE_COUNTER_KEY

_EXAMPLE = "For example --rename '^tower_0/=model/' or --rename 'weights$=kernel'."


@dataclass(frozen=True, slots=True)
class Names:
    """What a person decided about names.

    Attributes:
        patterns: a regular expression and its replacement each, applied one after another wherever they match in a key.
        map_file: a map; it comes before the patterns.
        averages: whether moving averages take the names of their variables, before anything else.
        mapping: more of the map: whole keys and their new names.
    """

    patterns: tuple[tuple[str, str], ...] = ()
    map_file: Path | None = None
    averages: bool = False
    mapping: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.patterns or self.map_file or self.averages or self.mapping)

    @property
    def options(self) -> tuple[str, ...]:
        """The same as arguments of a command."""
        words = [rename_argument(key, to) for key, to in self.mapping] + [
            "=".join(pattern) for pattern in self.patterns
        ]
        options = [argument for word in words for argument in ("--rename", word)]
        options += ["--map", str(self.map_file)] if self.map_file else []
        return (*options, "--ema") if self.averages else tuple(options)

    def plan(self, inventory: Inventory) -> Plan:
        """What is decided, as operations: averages first, then names.

        Raises:
            UsageError: see `averages_to_variables` and `rename_keys`.
        """
        plans = []
        if self.averages:
            plans.append(averages_to_variables(inventory))
            inventory = carried_out(plans[0], inventory)
        if self.patterns or self.map_file or self.mapping:
            plans.append(rename_keys(inventory, self))
        return concat(inventory.source, plans)


def rename_keys(inventory: Inventory, names: Names) -> Plan:
    """The renames that a person asks for, and those of the slots of what is renamed.

    Raises:
        UsageError: a pattern is wrong or matches nothing, a key is not there, or two keys become the same.
    """
    patterns = names.patterns
    compiled = [_compile(*pattern) for pattern in patterns]
    used = dict.fromkeys(patterns, False)
    mapping = (_read_map(names.map_file) if names.map_file else {}) | dict(names.mapping)
    absent = [key for key in mapping if key not in inventory.entries]
    if absent:
        raise UsageError(
            f"the map names {absent[0]}, which is no key of {inventory.source}",
            hint=f"See: {own_command('inspect', operand(inventory.source), '--table')}",
        )
    renames = []
    for key in inventory.entries:
        made = mapping.get(key, key)
        for pattern, regex in zip(patterns, compiled, strict=True):
            try:
                changed = regex.sub(pattern[1], made)
            except (re.error, IndexError) as error:
                raise UsageError(f"--rename {'='.join(pattern)!r}: {error}", hint=_EXAMPLE) from error
            used[pattern] = used[pattern] or bool(regex.search(made))
            made = changed
        if made != key:
            renames.append(Rename(key, made))
    idle = [pattern for pattern, matched in used.items() if not matched]
    if idle:
        raise UsageError(
            f"--rename {'='.join(idle[0])!r} matches no key",
            hint=f"See: {own_command('inspect', operand(inventory.source), '--table')}",
        )
    plan = with_slots(Plan(inventory.source, tuple(renames)), inventory)
    ops = in_free_order((op for op in plan.ops if isinstance(op, Rename)), inventory.entries)
    return replace(plan, ops=name_based(ops, inventory))


def _read_map(path: Path) -> dict[str, str]:
    """The pairs of a map file."""
    try:
        text = path.read_text("utf-8")
        if path.suffix in (".toml", ".json"):
            data = json.loads(text) if path.suffix == ".json" else toml_text.loads(text)
            if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
                raise UsageError(f"{path} is no table of names", hint='One line each: "checkpoint/key" = "graph/key"')
            return data
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}", hint="One line each: CHECKPOINT_KEY GRAPH_KEY") from error
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    wrong = [line for line in lines if len(line) != 2]
    if wrong:
        raise UsageError(
            f"{path}: {' '.join(wrong[0])!r} is not two names", hint="One line each: CHECKPOINT_KEY GRAPH_KEY"
        )
    return {line[0]: line[1] for line in lines}


def in_free_order(renames: Iterable[Rename], keys: Iterable[str]) -> tuple[Rename, ...]:
    """Renames so ordered that each new key is free when its turn comes; keys that change places go through a third.

    Raises:
        UsageError: two keys become the same, or one becomes a key that stays.
    """
    waiting = {op.key: op.to for op in renames}
    taken = set(keys)
    sources: dict[str, str] = {}
    for key, to in waiting.items():
        other = sources.setdefault(to, key)
        if other != key:
            raise UsageError(f"{other} and {key} would both become {to}", hint="Make the pattern tell them apart.")
        if to in taken and to not in waiting:
            raise UsageError(f"{key} would become {to}, which exists already", hint="Rename or drop that one too.")
    ordered = []
    free = [key for key, to in waiting.items() if to not in taken]
    while waiting:
        if not free:
            # Only circles are left: one key steps aside.
            key = next(iter(waiting))
            aside = f"{key}~"
            ordered.append(Rename(key, aside))
            waiting[aside] = waiting.pop(key)
            sources[waiting[aside]] = aside
        else:
            key = free.pop()
            ordered.append(Rename(key, waiting.pop(key)))
        # The key that is free now may be what another one waits for.
        if key in sources and sources[key] in waiting:
            free.append(sources[key])
    return tuple(ordered)


def name_based(ops: tuple[Op, ...], inventory: Inventory) -> tuple[Op, ...]:
    """Operations that end with renames, and the object graph dropped, which describes the old names, with its counter."""
    if not any(isinstance(op, Rename) for op in ops):
        return ops
    used = {key for op in ops for key in op.reads}
    stale = [key for key in (OBJECT_GRAPH_KEY, SAVE_COUNTER_KEY) if key in inventory.entries and key not in used]
    return (*map(Drop, stale), *ops) if OBJECT_GRAPH_KEY in stale else ops


def parse_rename(text: str) -> tuple[str, str]:
    """A regular expression and its replacement, of a `--rename` option.

    Raises:
        UsageError: it is not REGEX=REPLACEMENT.
    """
    regex, equals, replacement = text.partition("=")
    if not regex or not equals:
        raise UsageError(f"--rename {text!r}: there is no REGEX=REPLACEMENT in it", hint=_EXAMPLE)
    return regex, replacement


def _compile(regex: str, replacement: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as error:
        raise UsageError(f"--rename {f'{regex}={replacement}'!r}: {error}", hint=_EXAMPLE) from error
