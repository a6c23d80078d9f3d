"""Batch normalisation folded into the convolution before it: `--fold-batchnorm`.

    kernel' = kernel · gamma / sqrt(variance + epsilon)
    bias'   = beta + (bias - mean) · gamma / sqrt(variance + epsilon)

Which convolution is before a normalisation is told by the scope (slim: `conv1/weights` and `conv1/BatchNorm/…`), by the
model's configuration in a Keras file, or by the user: `--fold CONV=NORM`.

Source: TensorFlow, tensorflow/python/ops/nn_impl.py, `batch_normalization`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ckptdoctor.conversion.layer_roles import layer_roles
from ckptdoctor.conversion.plan import Plan
from ckptdoctor.errors import UsageError
from ckptdoctor.graphs.keras_config import Before, layers_before
from ckptdoctor.libraries.batch_norm import EPSILON, STATISTICS
from ckptdoctor.libraries.dialects import BIAS_BESIDE
from ckptdoctor.ops import Drop, FoldScale, FoldShift, Op
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.specs.inventory import Entry, Inventory

_KERNELS = ("kernel", "depthwise_kernel")


@dataclass(frozen=True, slots=True)
class _Scopes:
    """The variables of each layer, by role, under the layer's scope."""

    roles: Mapping[str, Mapping[str, Entry]]

    def norms(self) -> list[str]:
        return [scope for scope, roles in self.roles.items() if all(role in roles for role in STATISTICS)]

    def kernel(self, scope: str) -> Entry | None:
        roles = self.roles.get(scope, {})
        return next((roles[role] for role in _KERNELS if role in roles), None)


def fold_batchnorm(inventory: Inventory, pairs: Sequence[str], epsilon: float | None) -> Plan:
    """Each normalisation into the convolution or dense layer before it; its variables are left out.

    Args:
        inventory: the checkpoint.
        pairs: `CONV=NORM` each: the scopes of a layer and of the normalisation behind it.
        epsilon: what the layers add to the variance; None for what the configuration says, else 0.001.

    Raises:
        UsageError: a pair names no such layers, or no normalisation is found whose convolution is known.
    """
    scopes = _Scopes(layer_roles(inventory))
    configured = layers_before(inventory)
    before = _by_scope(scopes) | _by_config(configured, scopes) | _by_user(pairs, scopes, inventory)
    epsilons = {layer: item.epsilon for layer, item in configured.items()}
    ops: list[Op] = []
    open_ends = []
    for norm in scopes.norms():
        conv = before.get(norm, "")
        kernel = scopes.kernel(conv)
        if kernel is None:
            open_ends.append(norm)
            continue
        own = epsilons.get(_end(norm))
        ops += _fold(scopes, conv, kernel, norm, epsilon or own or EPSILON)
    notes = [f"{norm} stays: which layer is before it is not known; say so: --fold CONV={norm}." for norm in open_ends]
    if not ops:
        hint = notes[0] if notes else f"See: {own_command('inspect', operand(inventory.source))}"
        raise UsageError(f"{inventory.source} has no batch normalisation whose layer is known", hint=hint)
    if epsilon is None and not epsilons:
        notes.append(f"The variance is taken with an epsilon of {EPSILON:g}; another one: --epsilon.")
    return Plan(inventory.source, tuple(ops), tuple(notes))


def _by_scope(scopes: _Scopes) -> dict[str, str]:
    return {norm: norm.rpartition("/")[0] for norm in scopes.norms() if scopes.kernel(norm.rpartition("/")[0])}


def _by_config(configured: Mapping[str, Before], scopes: _Scopes) -> dict[str, str]:
    ends = {_end(scope): scope for scope in scopes.roles}
    found = {}
    for layer, item in configured.items():
        if item.alone and layer in ends and item.name in ends:
            found[ends[layer]] = ends[item.name]
    return found


def _by_user(pairs: Sequence[str], scopes: _Scopes, inventory: Inventory) -> dict[str, str]:
    found = {}
    for pair in pairs:
        conv, _, norm = pair.partition("=")
        if norm not in scopes.norms() or scopes.kernel(conv) is None:
            raise UsageError(
                f"--fold {pair!r} names no layer and the normalisation behind it",
                hint=f"Write their scopes: --fold conv1=bn1. See: {own_command('inspect', operand(inventory.source))}",
            )
        found[norm] = conv
    return found


def _fold(scopes: _Scopes, conv: str, kernel: Entry, norm: str, epsilon: float) -> list[Op]:
    roles = scopes.roles[norm]
    mean, variance = (roles[role].key for role in STATISTICS)
    gamma, beta = (roles[role].key if role in roles else "" for role in ("gamma", "beta"))
    bias = scopes.roles[conv].get("bias")
    return [
        FoldScale(kernel.key, variance, gamma, epsilon),
        FoldShift(
            bias.key if bias else _bias_of(kernel.key), mean, variance, bias.key if bias else "", beta, gamma, epsilon
        ),
        *(Drop(entry.key) for entry in roles.values()),
    ]


def _bias_of(kernel: str) -> str:
    """The key of a bias beside a kernel, in the same library's words."""
    scope, slash, leaf = kernel.rpartition("/")
    if leaf == "VARIABLE_VALUE":
        parts = kernel.split("/")
        parts[-3] = "bias"
        return "/".join(parts)
    if leaf.isdigit():
        return f"{scope}/{int(leaf) + 1}"
    return scope + slash + BIAS_BESIDE.get(leaf, "bias")


def _end(scope: str) -> str:
    return scope.rpartition("/")[2]
