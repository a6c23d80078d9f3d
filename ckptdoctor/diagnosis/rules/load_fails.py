"""load-fails: the owner's loader raises, and no more particular rule knows why.

## What it does
Reports the error that the call ends with, where names, shapes and types agree.

## Why is this bad
Nothing, or only a part, is loaded.

## Example
A file whose ending Keras does not know.

## Fix safety
`ckptdoctor convert --graph` writes the values as the model's own loader takes them; it is safe where every variable's value
is in the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example

RULE = Rule("CKD407", "load-fails", "error")

FIRES = (Example("a/w [2]", "a/w [2]", load="raises ValueError: File format not supported: filepath=a.bin."),)
SILENT = (Example("a/w [2]", "a/w [2]", load="a/w gets a/w"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """At most one finding."""
    agreement = case.agreement
    if case.load_is_explained or agreement is None or not agreement.load.error:
        return
    pairs = case.alignment.pairs
    first = next((pair for _, pair in agreement.kept if pair), pairs[0] if pairs else None)
    whole = bool(pairs) and not case.alignment.missing
    certain = all(pair.renaming is None or pair.renaming.certain for pair in pairs)
    command = case.convert_command(*([] if certain else ["--unsafe"]))
    write = Remedy("write the values as this model's loader takes them", "safe" if certain else "unsafe", command)
    yield Diagnostic(
        RULE,
        f"{agreement.load.call} raises an error.",
        "certain",
        first.variable.name if first else "",
        first.entry.key if first else next(iter(case.alignment.inventory.variables), ""),
        evidence=(agreement.load.error, *agreement.load.causes[:2]),
        location=first.variable.location if first else None,
        remedies=(write,) if whole else (),
    )
