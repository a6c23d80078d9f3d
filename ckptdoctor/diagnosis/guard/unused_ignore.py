"""unused-ignore: an ignore that nothing needs any more.

## What it does
Finds `# ckptdoctor: ignore[…]` comments, and entries of `ignore` in the configuration, that no finding of `ckptdoctor check`
matches. Codes that do not exist are found too.

## Why is this bad
It says that something is wrong and accepted where nothing is, and it hides the next finding at that line.

## Example
`# ckptdoctor: ignore[CKD206]` beside a layer whose checkpoint has been converted since.

## Fix safety
Remove the comment or the entry. Nothing is written.
"""

from __future__ import annotations

from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.ignores import Ignore
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.specs.near_names import did_you_mean

RULE = Rule("CKD802", "unused-ignore", "warning")


def report(ignore: Ignore) -> Diagnostic:
    """The finding about an ignore that matched nothing."""
    codes = [rule.RULE.code for rule in RULES]
    if ignore.code in codes:
        message, remedy = f"no finding matches ignore[{ignore.text}].", "remove it"
    else:
        message = f"there is no code {ignore.code}. {did_you_mean(ignore.code, codes)}".rstrip()
        remedy = "write a code that ckptdoctor check prints"
    return Diagnostic(
        RULE, message, variable=ignore.text, location=ignore.location, remedies=(Remedy(remedy, "display-only"),)
    )
