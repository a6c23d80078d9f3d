"""Running the rules, and saying what a restore would do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ckptdoctor.alignment.alignment import Alignment, Pair
from ckptdoctor.diagnosis.case import Case, Purpose
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.libraries.training_state import training_state
from ckptdoctor.specs.graph import GraphKind, SourceLine
from ckptdoctor.specs.tensor import show_shape


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A comparison and what was found in it.

    Attributes:
        alignment: the comparison.
        diagnostics: the findings, in the graph's order, what concerns only the checkpoint last.
        graph_argument: the graph and its options, as a command line has them.
        ignored: the findings that the user has said to ignore.
    """

    alignment: Alignment
    diagnostics: tuple[Diagnostic, ...]
    graph_argument: str
    ignored: tuple[Diagnostic, ...] = ()

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
        return tuple(dict.fromkeys(name.rpartition("/")[0] or name for name in network))

    @property
    def clean(self) -> bool:
        """Whether nothing would go wrong."""
        return not self.findings

    def place_of(self, diagnostic: Diagnostic) -> SourceLine:
        """Where to show a finding: its line of the user's code, else the first of the graph's file or the checkpoint's."""
        if diagnostic.location:
            return diagnostic.location
        source = self.alignment.graph.source
        python = source if source.endswith(".py") else source.rpartition(":")[0]
        files = [str(file) for file in self.alignment.inventory.files]
        return SourceLine(python if python.endswith(".py") else (files or [source])[0], 1, "")


def diagnose(alignment: Alignment, graph_argument: str, purpose: Purpose = "either") -> Diagnosis:
    """Runs every rule on what the rules before it left unexplained."""
    case = Case(alignment, graph_argument, alignment.mismatched, alignment.missing, alignment.unexpected, purpose)
    found: list[Diagnostic] = []
    for rule in RULES if _disagree(alignment) else ():
        new = _with_slots(list(rule.check(case)), case)
        found += new
        case = case.without(frozenset().union(*(diagnostic.covers for diagnostic in new)))
    order = {variable.name: position for position, variable in enumerate(alignment.graph.variables)}
    found.sort(key=lambda diagnostic: order.get(diagnostic.variable, len(order)))
    return Diagnosis(alignment, tuple(found), graph_argument)


def _disagree(alignment: Alignment) -> bool:
    return bool(alignment.mismatched or alignment.missing or alignment.unexpected or alignment.renamings)


def _with_slots(found: list[Diagnostic], case: Case) -> list[Diagnostic]:
    """The findings, each explaining its variables' slots and averages too where they differ in the same way."""
    pairs = {pair.entry.key: (pair.variable.spec.shape, pair.entry.spec.shape) for pair in case.mismatched}
    owned: dict[str, list[str]] = {}
    for key, sides in pairs.items():
        state = training_state(key)
        if state and pairs.get(state.owner) == sides:
            owned.setdefault(state.owner, []).append(key)
    extended, explained = [], set()
    for diagnostic in found:
        same = [slot for key in sorted(diagnostic.covers) for slot in owned.get(key, ())]
        if same:
            evidence = (*diagnostic.evidence, f"Training state differs in the same way: {', '.join(same)}.")
            diagnostic = replace(diagnostic, covers=diagnostic.covers.union(same), evidence=evidence)  # noqa: PLW2901
            explained.update(same)
        extended.append(diagnostic)
    # A slot is not reported by itself where its owner's finding explains it.
    return [diagnostic for diagnostic in extended if diagnostic.key not in explained]


def outcome(alignment: Alignment) -> str:
    """What `Saver().restore` would do with every variable of the graph, in a sentence or two."""
    wrong_dtype = [pair for pair in alignment.mismatched if not pair.same_dtype]
    wrong_shape = [pair for pair in alignment.mismatched if not pair.same_shape]
    absent = [variable.key for variable in alignment.missing]
    absent += [pair.variable.key for pair in alignment.pairs if pair.renamed]
    if alignment.graph.kind is GraphKind.OBJECTS or alignment.restored_by:
        return _objects_outcome(alignment, wrong_shape, absent)
    if not alignment.inventory.has_saver:
        return _file_outcome(alignment, len(wrong_shape), len(absent))
    if absent:
        first = min(absent)
        return f"It would fail: NotFoundError: Key {first} not found in checkpoint."
    if wrong_dtype:
        pair = wrong_dtype[0]
        return (
            f"It would fail: {pair.entry.key} is stored as {pair.entry.spec.dtype} "
            f"and restored as {pair.variable.spec.dtype}."
        )
    checked = [pair for pair in wrong_shape if not pair.variable.resource]
    if checked:
        lhs, rhs = checked[0].variable.spec.shape, checked[0].entry.spec.shape
        return (
            "It would fail: InvalidArgumentError: Assign requires shapes of both tensors to match. "
            f"lhs shape= {show_shape(lhs)} rhs shape= {show_shape(rhs)}. "
            "Built with resource variables (the default in TensorFlow 2), the same restore raises nothing and leaves "
            "values of the wrong shape behind."
        )
    if wrong_shape:
        return (
            f"TensorFlow would say nothing: these are resource variables, so {len(wrong_shape)} would silently hold a "
            "value of another shape than declared, and fail later or compute something else."
        )
    return "It would succeed: every variable of the graph is in the checkpoint with its shape and dtype."


def _objects_outcome(alignment: Alignment, wrong_shape: list[Pair], absent: list[str]) -> str:
    """What `tf.train.Checkpoint.restore` does.

    Source: TensorFlow, tensorflow/python/training/saving/saveable_object_util.py, `_ResourceVariableSaveable.restore`.
    """
    call = alignment.restored_by or "tf.train.Checkpoint"
    if wrong_shape:
        lhs, rhs = wrong_shape[0].variable.spec.shape, wrong_shape[0].entry.spec.shape
        return (
            f"{call}.restore fails: ValueError: Received incompatible tensor with shape {rhs} when attempting to restore variable "
            f"with shape {lhs}."
        )
    if absent:
        return (
            f"{call}.restore says nothing, and {len(absent)} variables keep their values; assert_consumed() would tell."
        )
    return f"{call}.restore succeeds: every variable of these objects is in the checkpoint with its shape."


def _file_outcome(alignment: Alignment, wrong: int, missing: int) -> str:
    """What can be done with a file that is no TensorFlow checkpoint."""
    if not (alignment.inventory.is_keras and alignment.graph.kind is GraphKind.KERAS_MODEL):
        fits = f"{wrong} variables differ and {missing} are missing" if wrong or missing else "every variable is in it"
        return f"TensorFlow does not restore this file itself; converted to a checkpoint, {fits}."
    if wrong or missing:
        return f"model.load_weights would fail, or skip: {wrong} variables differ, and {missing} are not where Keras looks."
    return "model.load_weights goes by the layers' order: every variable of the model is in the file with its shape."
