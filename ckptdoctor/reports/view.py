"""What is shown of a diagnosis, decided once: every report of one renders this and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.outcome import outcome, verdict
from ckptdoctor.specs.command import Command, operand, own_command
from ckptdoctor.specs.graph import GraphKind, SourceLine
from ckptdoctor.specs.tensor import TensorSpec, show_shape

Language = Literal["console", "python", ""]


@dataclass(frozen=True, slots=True)
class ShownRemedy:
    """A remedy under a finding.

    Attributes:
        remedy: the remedy.
        as_for: the finding above that says the same remedy, so that its text need not stand here again; else empty.
    """

    remedy: Remedy
    as_for: str = ""

    @property
    def title(self) -> str:
        """What it does."""
        return self.remedy.title

    @property
    def safety(self) -> str:
        """`safe` or `unsafe`; empty for advice, which nobody applies by itself."""
        return "" if self.remedy.safety == "display-only" else self.remedy.safety

    @property
    def text(self) -> str:
        """What there is to paste; empty if there is nothing."""
        return str(self.remedy.paste or "")

    @property
    def language(self) -> Language:
        """What the text is written in."""
        return "console" if self.remedy.command else "python" if self.remedy.code else ""

    @property
    def plain(self) -> str:
        """All of it as plain text, for formats whose readers lay nothing out."""
        return f"help: {self.title}\n{self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding.

    Attributes:
        diagnostic: the finding.
        name: the variable, or the key where no variable is concerned.
        sides: what the graph declares against what the checkpoint holds; empty if neither has anything.
        place: where to show it: its line of the user's code, else the first of the graph's file or the checkpoint's.
        remedies: best first.
        same_as: the finding above that has the very same remedies, all of them; else empty.
    """

    diagnostic: Diagnostic
    name: str
    sides: str
    place: SourceLine
    remedies: tuple[ShownRemedy, ...]
    same_as: str = ""

    @property
    def rule(self) -> Rule:
        """Its row in the table of codes."""
        return self.diagnostic.rule


@dataclass(frozen=True, slots=True)
class Harmless:
    """The findings of one rule that break nothing: a heading, and a line each."""

    rule: Rule
    message: str
    findings: tuple[ShownFinding, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many variables and keys there are of each kind; `fresh` ones are not restored."""

    matched: int
    mismatched: int
    renamed: int
    missing: int
    unexpected: int
    restored_trainable: int
    restored_frozen: int

    @property
    def fresh(self) -> int:
        """Variables that are not restored."""
        return self.missing + self.mismatched + self.renamed


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is said of one comparison.

    Attributes:
        graph: the graph and its options, quoted for a shell.
        graph_kind: how the graph came to be.
        checkpoint: the checkpoint as a command names it.
        format: what format it is of.
        notes: what the user should know about both, a sentence each.
        outcome: what a restore would do.
        verdict: what is said where nothing was found.
        findings: what would go wrong, in order.
        harmless: what breaks nothing, by rule.
        ignored: the findings that the user has said to ignore.
        counts: of variables and keys.
        trains: whether the graph is one whose variables are trained, so that its counts say what stays fresh.
        random: the scopes that would stay as they are initialised.
        diff: the command that shows more.
    """

    graph: str
    graph_kind: str
    checkpoint: str
    format: str
    notes: tuple[str, ...]
    outcome: str
    verdict: str
    findings: tuple[ShownFinding, ...]
    harmless: tuple[Harmless, ...]
    ignored: tuple[ShownFinding, ...]
    counts: Counts
    trains: bool
    random: tuple[str, ...]
    diff: Command

    @property
    def clean(self) -> bool:
        """Whether nothing would go wrong."""
        return not self.findings

    @property
    def title(self) -> str:
        """Both sides in a line."""
        return f"{self.graph} with {self.checkpoint}"


def view_of(diagnosis: Diagnosis) -> View:
    """What is shown of a diagnosis."""
    alignment = diagnosis.alignment
    graph, inventory = alignment.graph, alignment.inventory
    argument, *options = diagnosis.graph_argument
    matched = alignment.matched
    trainable = sum(pair.variable.trainable for pair in matched)
    return View(
        graph=str(Command(diagnosis.graph_argument)),
        graph_kind=str(graph.kind),
        checkpoint=inventory.source,
        format=inventory.format,
        notes=(*graph.notes, *inventory.notes),
        outcome=outcome(diagnosis),
        verdict=verdict(diagnosis),
        findings=tuple(_shown(diagnosis, diagnosis.findings)),
        harmless=tuple(_harmless(diagnosis)),
        ignored=tuple(_shown(diagnosis, diagnosis.ignored)),
        counts=Counts(
            matched=len(matched),
            mismatched=len(alignment.mismatched),
            renamed=len(alignment.renamed),
            missing=len(alignment.missing),
            unexpected=len(alignment.unexpected),
            restored_trainable=trainable,
            restored_frozen=len(matched) - trainable,
        ),
        trains=graph.kind is not GraphKind.CHECKPOINT,
        random=diagnosis.random,
        diff=own_command("diff", operand(argument), *options, operand(inventory.source)),
    )


def _shown(diagnosis: Diagnosis, findings: Sequence[Diagnostic]) -> Iterator[ShownFinding]:
    """Findings in their order, each with what of its remedies was said before, and where."""
    first: dict[object, str] = {}
    for item in findings:
        name = item.variable or item.key
        together = tuple(remedy.said for remedy in item.remedies)
        remedies = tuple(
            ShownRemedy(remedy, first.get(remedy.said, "") if remedy.paste else "") for remedy in item.remedies
        )
        yield ShownFinding(item, name, _sides(item), _place(diagnosis, item), remedies, first.get(together, ""))
        for said in (together, *together) if together else ():
            first.setdefault(said, name)


def _harmless(diagnosis: Diagnosis) -> Iterator[Harmless]:
    by_rule: dict[Rule, list[Diagnostic]] = {}
    for item in diagnosis.diagnostics:
        if item.rule.severity == "info":
            by_rule.setdefault(item.rule, []).append(item)
    for rule, items in by_rule.items():
        yield Harmless(rule, items[0].message, tuple(_shown(diagnosis, items)))


def _place(diagnosis: Diagnosis, item: Diagnostic) -> SourceLine:
    if item.location:
        return item.location
    source = diagnosis.alignment.graph.source
    python = source if source.endswith(".py") else source.rpartition(":")[0]
    files = [str(file) for file in diagnosis.alignment.inventory.files]
    return SourceLine(python if python.endswith(".py") else (files or [source])[0], 1, "")


def _sides(item: Diagnostic) -> str:
    """`lhs [4096,4096] vs rhs [1,1,4096,4096]`, in TensorFlow's order and words, with types where they matter."""
    lhs, rhs = item.lhs, item.rhs
    if not (lhs or rhs):
        return ""
    if lhs and rhs and lhs.dtype == rhs.dtype:
        return f"lhs {show_shape(lhs.shape)} vs rhs {show_shape(rhs.shape)}"
    return f"lhs {_side(lhs)} vs rhs {_side(rhs)}"


def _side(spec: TensorSpec | None) -> str:
    return f"{show_shape(spec.shape)} {spec.dtype}" if spec else "nothing"
