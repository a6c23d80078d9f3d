"""rnn-cell: the same recurrent layer as another implementation.

## What it does
Recognises CuDNN's parameters (`opaque_kernel`, one canonical buffer), LSTMBlock and fused cells, plain cells, Keras's
`recurrent_kernel`, and a GRU's `reset_after`, which keeps two biases for each gate: `[2,3u]` for `[3u]`.

## Why is this bad
The implementations keep the same numbers under other names, in other shapes and, for the gates, in another order
(TensorFlow's cells i, j, f, o; Keras and CuDNN i, f, c, o). Loading them by shape would mix the gates up.

## Example
`lhs [3072] vs rhs [2,3072]`: a GRU without `reset_after` for one with it.

## Fix safety
Display only: build the cell that was trained.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import listed
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.finding import about_names, about_pairs
from ckptdoctor.libraries.recurrent_cells import GRU_GATES, IMPLEMENTATIONS, LSTM_GATES

RULE = Rule("CKD213", "rnn-cell", "error")

FIRES = (
    Example("gru/bias [96]\ngru/kernel [8,96]", "gru/bias [2,96]\ngru/kernel [8,96]"),
    Example(
        "rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell/kernel [40,64]\nfc/w [16,4]",
        "cudnn_lstm/opaque_kernel [2688]\nfc/w [16,4]",
    ),
)
SILENT = (Example("lstm/bias [96]\nlstm/kernel [8,96]", "lstm/bias [64]\nlstm/kernel [8,64]"),)


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for biases that are doubled, and one for cells of another implementation."""
    doubled = []
    for pair in case.mismatched:
        lhs, rhs = pair.variable.spec.shape, pair.entry.spec.shape
        flat, double = (lhs, rhs) if len(lhs) == 1 else (rhs, lhs)
        if (
            len(flat) == 1
            and len(double) == 2
            and double[0] == 2
            and flat[0] in (double[1], 2 * double[1])
            and any(double[1] % gates == 0 for gates in (GRU_GATES, LSTM_GATES))
        ):
            doubled.append(pair)
    if doubled:
        graph = len(doubled[0].variable.spec.shape) == 2
        # Only a GRU of Keras's has the choice.
        is_gru = all("gru" in pair.variable.name.lower() for pair in doubled)
        setting = Code.of("reset_after=$after", after=not graph) if is_gru else None
        yield about_pairs(
            RULE,
            f"the {'graph' if graph else 'checkpoint'} keeps two biases for each gate, the other side one.",
            "certain",
            doubled,
            ["CuDNN's cells, and GRUs with reset_after, have an input and a recurrent bias."],
            (Remedy("build the cell that was trained", "display-only", setting),),
        )
    missing = {variable.key: cell for variable in case.missing if (cell := _cell(variable.key))}
    unexpected = {entry.key: cell for entry in case.unexpected if (cell := _cell(entry.key))}
    graphs, stored = set(missing.values()), set(unexpected.values())
    if graphs and stored and graphs != stored:
        yield about_names(
            RULE,
            f"the graph has {' and '.join(sorted(graphs))}, the checkpoint {' and '.join(sorted(stored))}.",
            "likely",
            [variable for variable in case.missing if variable.key in missing],
            [entry for entry in case.unexpected if entry.key in unexpected],
            [f"{listed(list(missing), 2)} in the graph, {listed(list(unexpected), 2)} in the checkpoint."],
            (Remedy("build the cell that was trained, or one that is compatible with it", "display-only"),),
        )


def _cell(key: str) -> str:
    return next((name for name, pattern in IMPLEMENTATIONS if pattern.search(key)), "")
