"""order-differs: Keras goes by order or place, and gives a variable the values of another name.

## What it does
Finds variables for which the model and the file record the same name, and which Keras gives another variable's values
(or looks for elsewhere), because its loaders go by the order of the layers or by their places and never by names.

## Why is this bad
If the shapes agree nothing is raised, and two layers have each other's values.

## Example
The heads `colour` and `shape` of one size, which the model now makes in the other order.

## Fix safety
Safe: both sides record the name. `ckptdoctor convert --graph` puts every value where Keras looks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.alignment.own_names import at_place
from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_pairs
from ckptdoctor.ops import Rename

RULE = Rule("CKD401", "order-differs", "error")

FIRES = (
    Example(
        "shape/kernel [6,3]\ncolour/kernel [6,3]",
        "shape/kernel [6,3]\ncolour/kernel [6,3]",
        load="shape/kernel gets colour/kernel\ncolour/kernel gets shape/kernel",
    ),
)
SILENT = (
    Example(
        "shape/kernel [6,3]\ncolour/kernel [6,3]",
        "shape/kernel [6,3]\ncolour/kernel [6,3]",
        load="shape/kernel gets shape/kernel\ncolour/kernel gets colour/kernel",
    ),
)

_SHOWN = 3


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    # Where what the loader does is not known, it is known all the same that it goes by the model's structure.
    given_of = case.agreement.load.given if case.agreement else {}
    by_name = case.agreement is not None and "by_name=True" in case.agreement.load.call
    mistaken = case.agreement.mistaken if case.agreement else ()
    known = {pair.variable.key for pair in mistaken}
    elsewhere = [
        pair
        for pair in case.alignment.pairs
        if pair.renamed and pair.same_shape and pair.renaming and pair.renaming.kind == "named"
        and pair.variable.key not in known
    ]  # fmt: skip
    pairs = [pair for pair in (*mistaken, *elsewhere) if pair.entry.key not in case.covered]
    if not pairs:
        return
    places = at_place(pairs[0].entry.key)
    way = "by the layers' names" if by_name else f"by {'places in the model' if places else 'the order of the layers'}"
    first = pairs[0]
    given = given_of.get(first.variable.key)
    names = {key: entry.name or key for key, entry in case.alignment.inventory.entries.items()}
    if given is None:
        message = f"the loader goes {way}, not by names, and {first.variable.key} is elsewhere in the file."
    else:
        stored = names.get(given, given)
        goes = way if by_name else f"{way}, not by names"
        message = f"the loader goes {goes}: {first.variable.key} gets the values stored as {stored}."
    yield about_pairs(RULE, message, "certain", pairs, _evidence(pairs, given_of, names), _remedies(case, pairs))


def _evidence(pairs: list[Pair], given: object, names: dict[str, str]) -> list[str]:
    got = dict(given) if isinstance(given, dict) else {}
    sentences = []
    for pair in pairs[:_SHOWN]:
        key, other = pair.variable.key, got.get(pair.variable.key)
        if other:
            sentences.append(f"{key} gets {names.get(other, other)}; its own values are at {pair.entry.key}.")
        else:
            sentences.append(f"The values of {key} are at {pair.entry.key}, where it is not looked for.")
    return sentences


def _remedies(case: Case, pairs: list[Pair]) -> tuple[Remedy, ...]:
    ops = tuple(Rename(pair.entry.key, pair.variable.key) for pair in pairs if pair.renamed)
    if not ops:
        restore = Code.of("model.load_weights($path)", path=case.checkpoint)
        return (Remedy("load it without by_name: by order every variable gets its own", "display-only", restore),)
    safe = all(pair.renaming is None or pair.renaming.certain for pair in pairs)
    command = case.convert_command(*([] if safe else ["--unsafe"]))
    return (
        Remedy("write a file that has every value where the loader looks", "safe" if safe else "unsafe", command, ops),
    )
