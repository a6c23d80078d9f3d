"""Running the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.diagnosis.agreement import Agreement, compare_load
from ckptdoctor.diagnosis.case import Case, Purpose
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.libraries.name import scope_of
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.loaders.load import Load


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A comparison and what was found in it.

    Attributes:
        alignment: the comparison.
        diagnostics: the findings, in the graph's order, what concerns only the checkpoint last.
        graph_argument: the graph and its options, as arguments of a command.
        ignored: the findings that the user has said to ignore.
        load: what the owner's loader does; None where no loader takes such a file, or what it does cannot be told.
    """

    alignment: Alignment
    diagnostics: tuple[Diagnostic, ...]
    graph_argument: tuple[str, ...]
    ignored: tuple[Diagnostic, ...] = ()
    load: Load | None = None

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """The diagnostics above `info`: what would go wrong."""
        return tuple(item for item in self.diagnostics if item.rule.severity != "info")

    @property
    def random(self) -> tuple[str, ...]:
        """The scopes of variables that no safe conversion gives a value, so that they stay as they are initialised."""
        repaired = frozenset[str]().union(
            *(item.covers for item in self.diagnostics if any(r.ops and r.safety == "safe" for r in item.remedies))
        )
        fresh = list(self.alignment.missing)
        fresh += [pair.variable for pair in self.alignment.mismatched if pair.entry.key not in repaired]
        network = [variable.name for variable in fresh if training_state(variable.key) is None]
        return tuple(dict.fromkeys(scope_of(name) for name in network))

    @property
    def agreement(self) -> Agreement | None:
        """What the loader does against what is meant; None where what it does is not known."""
        return compare_load(self.alignment, self.load) if self.load is not None else None

    @property
    def fits(self) -> bool:
        """Whether the loader gives every variable that was asked for what is meant, and nothing else is wrong."""
        agreement = self.agreement
        return self.clean and agreement is not None and agreement.fits

    @property
    def clean(self) -> bool:
        """Whether nothing would go wrong."""
        return not self.findings


def diagnose(
    alignment: Alignment,
    graph: str,
    purpose: Purpose = "either",
    *,
    options: Sequence[str] = (),
    load: Load | None = None,
) -> Diagnosis:
    """Runs every rule on what the rules before it left unexplained.

    Args:
        alignment: the comparison.
        graph: the graph as a command can name it.
        purpose: what the checkpoint is wanted for.
        options: the options that belong to the graph, as arguments of a command.
        load: what the owner's loader does; without it names, shapes and types alone are compared.
    """
    graph_argument = (graph, *options)
    agreement = compare_load(alignment, load) if load is not None else None
    case = Case(
        alignment,
        graph_argument,
        alignment.mismatched,
        alignment.missing,
        alignment.unexpected,
        purpose,
        agreement,
    )
    diagnostics: list[Diagnostic] = []
    for rule in RULES if _disagree(alignment) or (agreement and not agreement.fits) else ():
        new = _with_slots(list(rule.check(case)), case)
        diagnostics += new
        case = case.without(new)
    order = {variable.name: position for position, variable in enumerate(alignment.graph.variables)}
    diagnostics.sort(key=lambda diagnostic: order.get(diagnostic.variable, len(order)))
    return Diagnosis(alignment, tuple(diagnostics), graph_argument, load=load)


def _disagree(alignment: Alignment) -> bool:
    return bool(
        alignment.mismatched
        or alignment.missing
        or alignment.unexpected
        or alignment.renamings
        or alignment.inventory.absent
    )


def _with_slots(diagnostics: list[Diagnostic], case: Case) -> list[Diagnostic]:
    """The findings, each explaining its variables' slots and averages too where they differ in the same way."""
    pairs = {pair.entry.key: (pair.variable.spec.shape, pair.entry.spec.shape) for pair in case.mismatched}
    owned: dict[str, list[str]] = {}
    for key, sides in pairs.items():
        state = training_state(key)
        if state and pairs.get(state.owner) == sides:
            owned.setdefault(state.owner, []).append(key)
    extended, explained = [], set()
    for diagnostic in diagnostics:
        same = [slot for key in sorted(diagnostic.covers) for slot in owned.get(key, ())]
        if same:
            evidence = (*diagnostic.evidence, f"Training state differs in the same way: {', '.join(same)}.")
            diagnostic = replace(diagnostic, covers=diagnostic.covers.union(same), evidence=evidence)  # noqa: PLW2901
            explained.update(same)
        extended.append(diagnostic)
    # A slot is not reported by itself where its owner's finding explains it.
    return [diagnostic for diagnostic in extended if diagnostic.key not in explained]
