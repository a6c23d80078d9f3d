"""What an error message means, and the pages of the codes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ckptdoctor.diagnosis.explanation.explanation import Explanation
from ckptdoctor.errors import UsageError

__all__ = ["ErrorExplanation", "explain", "rule_names", "rule_page"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class ErrorExplanation(Explanation):
    """What an error message reports, and the causes that fit, best first. `str(explanation)` says it in sentences."""

    def __repr__(self) -> str:
        causes = ", ".join(f"{cause.name} ({cause.confidence})" for cause in self.causes[:3])
        return f"<explanation: {causes}>"

    def __str__(self) -> str:
        from ckptdoctor.reports.explain_text import print_explanation
        from ckptdoctor.reports.plain_text import plain_text

        return plain_text(lambda console: print_explanation(self, console))

    def to_dict(self) -> dict[str, Any]:
        """What `ckptdoctor explain --format json` prints, as plain values."""
        from ckptdoctor.reports.explain_json import explain_to_dict

        return explain_to_dict(self)

    def to_json(self) -> str:
        """What `ckptdoctor explain --format json` prints."""
        from ckptdoctor.reports.json_text import json_text

        return json_text(self.to_dict())


def explain(message: str | BaseException) -> ErrorExplanation:
    """The likely causes of a restore's error, best first.

        try:
            saver.restore(session, "model.ckpt")
        except Exception as error:
            print(ckptdoctor.explain(error))

    Args:
        message: the text of an error or a traceback, or the exception itself.

    Raises:
        UsageError: no restore error is recognised in it.
    """
    from ckptdoctor.diagnosis.explanation.explanation import explain as find_causes

    explanation = find_causes(str(message))
    if not explanation.causes:
        raise UsageError(
            "no restore error is recognised in this text",
            hint="Paste the lines from the first Error on, or compare directly: ckptdoctor diff GRAPH CHECKPOINT",
        )
    return ErrorExplanation(*(getattr(explanation, field.name) for field in fields(Explanation)))


def rule_names() -> dict[str, str]:
    """The codes of all rules, each with the rule's name."""
    from ckptdoctor.diagnosis.catalogue import pages

    return {page.code: page.name for page in pages()}


def rule_page(code: str) -> str:
    """What a code means: what it does, why that is bad, an example, and how safe a fix is.

    Raises:
        UsageError: there is no such code.
    """
    from ckptdoctor.diagnosis.catalogue import pages
    from ckptdoctor.specs.near_names import did_you_mean

    known = {page.code: page for page in pages()}
    if code not in known:
        near = did_you_mean(code, known) or "Codes: " + ", ".join(known)
        raise UsageError(f"there is no code {code}", hint=near)
    page = known[code]
    return f"{code} {page.name}: {page.summary}.\n\n{page.text}"
