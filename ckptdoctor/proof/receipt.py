"""What a conversion wrote, and whether it loads."""

from __future__ import annotations

from dataclasses import dataclass

from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.executor.convert import Receipt
from ckptdoctor.proof.written import Proof


@dataclass(frozen=True, slots=True)
class ProvedReceipt(Receipt):
    """What was written for a graph, and what came of loading it.

    Attributes:
        proof: whether it loads into the graph that it was to fit; None without a graph.
        unresolved: the findings that were left as they were, each with its remedies: nothing converts them, or only what
            `unsafe` allows. Variables of `fresh_head` have initial values nevertheless.
    """

    proof: Proof | None = None
    unresolved: tuple[Diagnostic, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether nothing that was asked for lacks a fitting value in what was written."""
        return self.proof is None or self.proof.fits
