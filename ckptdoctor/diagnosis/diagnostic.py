"""A finding: one disagreement, its cause, the evidence and the remedies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ckptdoctor.diagnosis.code import Code
from ckptdoctor.ops import Op
from ckptdoctor.specs.command import Command
from ckptdoctor.specs.graph import SourceLine
from ckptdoctor.specs.tensor import Shape, TensorSpec

Severity = Literal["error", "warning", "info"]
"""What breaks: `error` a restore fails or goes wrong · `warning` something stays random · `info` nothing breaks."""

Confidence = Literal["certain", "likely", "possible"]

Safety = Literal["safe", "unsafe", "display-only"]
"""`safe` bit-exact and a proved match · `unsafe` a guess or a loss · `display-only` advice on code."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way out.

    Attributes:
        title: what it does, in a phrase.
        safety: whether it may be applied without asking.
        paste: the command to run or the code to put into the program; None where the title says all.
        ops: what a conversion does to carry it out; the command, where there is one, does it.
    """

    title: str
    safety: Safety
    paste: Command | Code | None = None
    ops: tuple[Op, ...] = ()

    @property
    def command(self) -> Command | None:
        """The command to run, if there is one."""
        return self.paste if isinstance(self.paste, Command) else None

    @property
    def code(self) -> Code | None:
        """The code to put into the program, if there is some."""
        return self.paste if isinstance(self.paste, Code) else None

    @property
    def said(self) -> tuple[str, Safety, Command | Code | None]:
        """What a person is told. One run of a command carries out the operations of every finding that tells the same."""
        return self.title, self.safety, self.paste


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table of codes: `CKD###`, the condition's name, what breaks."""

    code: str
    name: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        rule: code, name and severity.
        message: the cause, in a sentence.
        confidence: how sure it is.
        variable: the graph variable's name; empty if the finding is about a key only.
        key: the checkpoint key.
        lhs: what the graph declares; None if it declares nothing.
        rhs: what the checkpoint holds; None if it holds nothing.
        evidence: what the cause is read from, a sentence each.
        location: the line of the user's code.
        remedies: best first.
        covers: all variables and keys that this finding explains.
    """

    rule: Rule
    message: str
    confidence: Confidence = "certain"
    variable: str = ""
    key: str = ""
    lhs: TensorSpec | None = None
    rhs: TensorSpec | None = None
    evidence: tuple[str, ...] = ()
    location: SourceLine | None = None
    remedies: tuple[Remedy, ...] = ()
    covers: frozenset[str] = field(default=frozenset())

    @property
    def lhs_shape(self) -> Shape | None:
        """The declared shape."""
        return self.lhs.shape if self.lhs else None

    @property
    def rhs_shape(self) -> Shape | None:
        """The stored shape."""
        return self.rhs.shape if self.rhs else None
