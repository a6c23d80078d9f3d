"""The page: agreement a loader, and every disagreement that is not set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from judge import Judged
from runs import versions

RUN = ".venv/bin/python benchmarks/loaders/bench.py --pair"

FITS_OTHERWISE = {
    (True, False): "`diff` calls it a fit, and it is none",
    (False, True): "`diff` finds something, and every variable held what is meant for it",
}


def page(judged: list[Judged], skipped: Counter[str], *, reveal: bool) -> str:
    """Everything as Markdown."""
    shown = [item for item in judged if not item.pair.set_aside]
    hidden = [item for item in judged if item.pair.set_aside]
    named = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        "# What the loaders really do",
        "",
        "Written by `make truth`. A model is saved with values of its own in every tensor; a changed one, with other values",
        "in every variable, loads it with the owner's real loader. What each variable holds afterwards is compared with what",
        "`ckptdoctor.loaders` says of the same graph and file, and what is raised, by class.",
        "",
        f"{len(judged):,} pairs, with {named}.",
        "",
        "One pair in three is set aside by the hash of its id, and has been since before the first model of a loader was",
        "judged: it is counted in a table of its own, and its disagreements are not shown"
        + (" but for `--reveal`, which this page was made with." if reveal else ", unless `--reveal` asks for it."),
        "",
        "*Told* are the pairs of which the model says something. They *agree* if the class of the error, or that there is",
        "none, and what every variable holds are as it was said; a variable may be *left open* only after an error, where the",
        "owner promises no order. *Whole* are the loads of which it was said that every variable gets a stored value.",
        "",
        *_table("Pairs that are looked at", shown),
        *_table("Pairs set aside", hidden),
        *_messages(judged),
        *_fits_table(shown, hidden),
        *_skipped(skipped),
        *_disagreements(judged if reveal else shown),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table(title: str, judged: Iterable[Judged]) -> list[str]:
    by_route: dict[str, list[Judged]] = {}
    for item in judged:
        by_route.setdefault(item.pair.route.name, []).append(item)
    lines = [f"## {title}", ""]
    lines.append(
        "| saved as / loaded by | pairs | told | agree | | variables | agree | left open | whole said | and true | not told "
        "| not modelled | no graph |"
    )
    lines.append("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    rows = [*sorted(by_route.items()), ("**all**", [item for items in by_route.values() for item in items])]
    for name, items in rows:
        told = [item for item in items if item.state == "judged"]
        agree = sum(not item.differences for item in told)
        variables = sum(item.variables for item in told)
        right = variables - sum(item.wrong for item in told)
        whole = [item.whole for item in told if item.whole and item.whole[0]]
        states = Counter(item.state for item in items)
        lines.append(
            f"| {name} | {len(items)} | {len(told)} | {agree} | {_percent(agree, len(told))} | {variables:,} | "
            f"{_percent(right, variables)} | {sum(item.open for item in told):,} | {len(whole)} | "
            f"{sum(true for _, true in whole)} | {states['not told']} | "
            f"{states['not modelled']} | {states['no graph'] + states['no file']} |"
        )
    return [*lines, ""]


def _messages(judged: list[Judged]) -> list[str]:
    same = [item.same_message for item in judged if item.same_message is not None]
    return [f"Where an error was raised and said, its first line was the same in {sum(same):,} of {len(same):,}.", ""]


def _fits_table(shown: list[Judged], hidden: list[Judged]) -> list[str]:
    """What `diff` calls a fit against what every variable held."""
    lines = [
        "## What `diff` calls a fit",
        "",
        "True is: nothing was raised, and every variable held the value that is meant for it, whatever it is called.",
        "",
        "| pairs | asked | fits, and said | fits, not said | said, and false | neither |",
        "|---|---|---|---|---|---|",
    ]
    for name, items in (("looked at", shown), ("set aside", hidden)):
        counts = Counter(item.fits for item in items if item.fits and item.fits[1] is not None)
        lines.append(
            f"| {name} | {sum(counts.values())} | {counts[True, True]} | {counts[False, True]} | {counts[True, False]} | "
            f"{counts[False, False]} |"
        )
    return [*lines, ""]


def _skipped(skipped: Counter[str]) -> list[str]:
    if not skipped:
        return []
    lines = [f"## Pairs that cannot be: {sum(skipped.values()):,}", ""]
    return [
        *lines,
        "What the owner refuses to build or to save is no pair.",
        "",
        *(f"- {count} × {why}" for why, count in skipped.most_common(12)),
        "",
    ]


def _disagreements(judged: list[Judged]) -> list[str]:
    wrong = [item for item in judged if item.differences or item.fits in FITS_OTHERWISE]
    lines = [f"## Disagreements: {len(wrong):,}", "", f"Each is run again by `{RUN} ID`.", ""]
    for item in sorted(wrong, key=lambda item: (item.pair.route.name, item.pair.id)):
        said = list(item.differences)
        if item.fits in FITS_OTHERWISE:
            said.append(FITS_OTHERWISE[item.fits])
        more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
        lines.append(f"- `{item.pair.id}`: {said[0]}{more}")
    return lines


def _percent(part: int, whole: int) -> str:
    """Rounded down: all is all."""
    return f"{10000 * part // whole / 100:g} %" if whole else "-"
