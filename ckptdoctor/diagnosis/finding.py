"""One finding for all the variables that one cause explains."""

from __future__ import annotations

from collections.abc import Sequence

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.diagnostic import Confidence, Diagnostic, Remedy, Rule
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry


def about_pairs(
    rule: Rule,
    message: str,
    confidence: Confidence,
    pairs: Sequence[Pair],
    evidence: Sequence[str],
    remedies: Sequence[Remedy] = (),
) -> Diagnostic:
    """A finding at the first of some pairs, which explains all of them."""
    first = pairs[0]
    if len(pairs) > 1:
        evidence = (*evidence, f"It explains {len(pairs)} variables: {listed([p.variable.key for p in pairs])}.")
    return Diagnostic(
        rule,
        message,
        confidence,
        first.variable.name,
        first.entry.key,
        first.variable.spec,
        first.entry.spec,
        tuple(evidence),
        first.variable.location,
        tuple(remedies),
        frozenset(pair.entry.key for pair in pairs),
    )


def about_names(
    rule: Rule,
    message: str,
    confidence: Confidence,
    missing: Sequence[Variable],
    unexpected: Sequence[Entry],
    evidence: Sequence[str],
    remedies: Sequence[Remedy] = (),
) -> Diagnostic:
    """A finding at the first of some names that are on one side only, which explains all of them."""
    variable = missing[0] if missing else None
    entry = unexpected[0] if unexpected else None
    keys = [*(item.key for item in missing), *(item.key for item in unexpected)]
    return Diagnostic(
        rule,
        message,
        confidence,
        variable.name if variable else "",
        variable.key if variable else keys[0],
        variable.spec if variable else None,
        entry.spec if entry and not variable else None,
        tuple(evidence),
        variable.location if variable else None,
        tuple(remedies),
        frozenset(keys),
    )
