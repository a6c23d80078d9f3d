"""What the owner's loader would do, in a few sentences that name the call."""

from __future__ import annotations

from ckptdoctor.alignment.pairs import Alignment
from ckptdoctor.diagnosis.agreement import Agreement
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.loaders.load import Load
from ckptdoctor.loaders.registry import loaders_for

_NAMED = "every variable has a value of its name, shape and type in this file"
_GENERIC = "Restoring from checkpoint failed"
"""How `Saver.restore` starts whatever TensorFlow raised (tensorflow/python/training/saver.py, `_wrap_restore_error_with_msg`)."""


def outcome(diagnosis: Diagnosis) -> str:
    """What the load does with the variables that were asked for; without a load, what names and shapes say."""
    agreement = diagnosis.agreement
    return _unknown(diagnosis.alignment) if agreement is None else _known(agreement)


def verdict(diagnosis: Diagnosis) -> str:
    """What is said where nothing was found: that the file fits, or how much of that is known."""
    if diagnosis.fits:
        return "The checkpoint fits the graph."
    if diagnosis.load is None:
        return f"{_NAMED[0].upper()}{_NAMED[1:]}."
    return "Nothing was found but what is ignored."


def shown_error(load: Load) -> str:
    """The error that a load ends with, as far as it says what happened."""
    kind, _, text = load.error.partition(": ")
    if load.causes and text.startswith(_GENERIC):
        return f"{kind}: {load.causes[0]}"
    return " ".join((load.error, *load.causes[:1]))


def _known(agreement: Agreement) -> str:
    load, asked = agreement.load, agreement.asked
    if load.error:
        sentences = [_sentence(f"With `{load.call}` it would fail: {shown_error(load)}")]
        if agreement.right:
            sentences.append(f"{len(agreement.right)} of {asked} variables have the value that is meant by then.")
        if "Assign requires shapes" in "".join(load.causes):
            sentences.append(
                "Built with resource variables (the default in TensorFlow 2), the same restore raises nothing and leaves "
                "values of the wrong shape behind."
            )
        return " ".join(sentences)
    if agreement.fits:
        zeroed = f", and {len(agreement.zeroed)} are set to zero" if agreement.zeroed else ""
        count = len(agreement.right)
        given = f"all {count} variables get the value that is meant" if count > 1 else "the variable gets its value"
        sentences = [f"With `{load.call}` {given}{zeroed}."]
    else:
        others = (
            (len(agreement.other), "get another one"),
            (len(agreement.reshaped), "hold a value of another shape than declared"),
            (len(agreement.kept), "keep their own"),
            (len(agreement.zeroed), "are set to zero"),
        )
        listed = "".join(f", {count} {what}" for count, what in others if count)
        sentences = [
            f"With `{load.call}` {len(agreement.right)} of {asked} variables get the value that is meant{listed}."
        ]
        said = f"prints: {_most_telling(load)}" if load.warnings else "prints nothing."
        sentences.append(_sentence(f"It raises nothing, and {said}"))
    if load.ignored:
        sentences.append(f"{len(load.ignored)} of the file's keys are passed over.")
    return " ".join(sentences)


def _most_telling(load: Load) -> str:
    """The warning that says what was left out, rather than in which container nothing was found."""
    telling = [text for text in load.warnings if "nested container" not in text]
    return " ".join((*(telling or load.warnings)[:1], *load.causes[:1]))


def _unknown(alignment: Alignment) -> str:
    graph, inventory = alignment.graph, alignment.inventory
    absent = len(alignment.missing) + sum(pair.renamed for pair in alignment.pairs)
    differ = sum(not pair.renamed for pair in alignment.mismatched)
    found = f"{differ} variables differ and {absent} are not in it under their names" if differ or absent else _NAMED
    if alignment.restored_by:
        return f"{alignment.restored_by}.restore goes by objects, and by these {found}."
    if inventory.planned or loaders_for(graph, inventory):
        return f"What the loader does with it cannot be told here; by names, shapes and types alone, {found}."
    return (
        f"No loader of TensorFlow's or Keras's brings this file ({inventory.format}) into a {graph.kind}: it can be "
        f"converted. By names, shapes and types alone, {found}."
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
