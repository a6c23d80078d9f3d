"""CuDNN's recurrent layers as plain ones, and back: `--cudnn-to-plain`, `--plain-to-cudnn`.

    CuDNNLSTM  kernel [in,4u], each gate's part stored in the other order; recurrent_kernel [u,4u], each part
               transposed; bias [8u]: one for the inputs, one for the state
    CuDNNGRU   the same with 3 gates; a plain GRU must have `reset_after`, and keeps both biases as [2,3u]

Source: Keras 2, keras/saving/legacy/hdf5_format.py, `_convert_rnn_weights`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.conversion.layer_roles import layer_roles
from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import UsageError
from ckptdoctor.libraries.recurrent_cells import GRU_GATES, LSTM_GATES
from ckptdoctor.ops import Concat, Multiply, Op, Reshape, Sum, Transpose
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Entry, Inventory


def cudnn_to_plain(inventory: Inventory) -> Plan:
    """Every CuDNN layer as the plain one that computes the same.

    Raises:
        UsageError: there is none.
    """
    ops: list[Op] = []
    for kernel, recurrent, bias, gates, units in _layers(inventory):
        if bias.spec.shape != (2 * gates * units,):
            continue
        size = kernel.spec.shape[0]
        ops += [
            Reshape(kernel.key, (size, gates, units)),
            Transpose(kernel.key, (1, 0, 2)),
            Reshape(kernel.key, (gates, units, size)),
            Transpose(kernel.key, (2, 0, 1)),
            Reshape(kernel.key, (size, gates * units)),
            *_recurrent(recurrent, gates, units),
            Reshape(bias.key, (2, gates * units)),
        ]
        if gates == LSTM_GATES:
            ops += [Sum(bias.key, 0), Reshape(bias.key, (gates * units,))]
    return _plan(inventory, ops, "CuDNN layer: bias of twice the gates")


def plain_to_cudnn(inventory: Inventory) -> Plan:
    """Every plain LSTM, and every GRU with `reset_after`, as the CuDNN layer that computes the same.

    A bias is shared out in halves; what was learnt of it together stays the sum.

    Raises:
        UsageError: there is none.
    """
    ops: list[Op] = []
    notes = []
    for kernel, recurrent, bias, gates, units in _layers(inventory):
        size = kernel.spec.shape[0]
        if gates == LSTM_GATES and bias.spec.shape == (gates * units,):
            shared: list[Op] = [Multiply(bias.key, 0.5), Concat((bias.key, bias.key), 0, bias.key)]
        elif gates == GRU_GATES and bias.spec.shape == (2, gates * units):
            shared = [Reshape(bias.key, (2 * gates * units,))]
        else:
            if bias.spec.shape == (gates * units,):
                notes.append(f"{kernel.key} stays: CuDNN has no GRU without reset_after.")
            continue
        ops += [
            Reshape(kernel.key, (size, gates, units)),
            Transpose(kernel.key, (1, 2, 0)),
            Reshape(kernel.key, (gates, size, units)),
            Transpose(kernel.key, (1, 0, 2)),
            Reshape(kernel.key, (size, gates * units)),
            *_recurrent(recurrent, gates, units),
            *shared,
        ]
    return _plan(inventory, ops, "plain LSTM, or GRU with reset_after", notes)


def _recurrent(recurrent: Entry, gates: int, units: int) -> list[Op]:
    """Each gate's part transposed, which undoes itself."""
    return [
        Reshape(recurrent.key, (units, gates, units)),
        Transpose(recurrent.key, (2, 1, 0)),
        Reshape(recurrent.key, (units, gates * units)),
    ]


def _layers(inventory: Inventory) -> Iterator[tuple[Entry, Entry, Entry, int, int]]:
    """The recurrent layers: kernel, recurrent kernel, bias, number of gates, units."""
    for roles in layer_roles(inventory).values():
        if not {"kernel", "recurrent_kernel", "bias"} <= roles.keys():
            continue
        kernel, recurrent, bias = roles["kernel"], roles["recurrent_kernel"], roles["bias"]
        if len(kernel.spec.shape) != 2 or len(recurrent.spec.shape) != 2 or not recurrent.spec.shape[0]:
            continue
        units, width = recurrent.spec.shape
        gates = width // units
        if gates in (LSTM_GATES, GRU_GATES) and gates * units == width == kernel.spec.shape[1]:
            yield kernel, recurrent, bias, gates, units


def _plan(inventory: Inventory, ops: list[Op], what: str, notes: list[str] | None = None) -> Plan:
    if not ops:
        hint = notes[0] if notes else f"See: {own_command('inspect', operand(inventory.source))}"
        raise UsageError(f"{inventory.source} has no {what}", hint=hint)
    return Plan(inventory.source, tuple(ops), tuple(notes or ()))
