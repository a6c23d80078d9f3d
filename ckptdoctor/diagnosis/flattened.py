"""The map behind a flatten: how many channels a dense layer's rows are made of."""

from __future__ import annotations

from math import isqrt

from ckptdoctor.alignment.pairs import Pair
from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.changes import Change, only_change
from ckptdoctor.diagnosis.code import Code
from ckptdoctor.diagnosis.diagnostic import Remedy


def flattened_change(case: Case, pair: Pair) -> tuple[Change, int] | None:
    """A dense layer's change of rows, and the channels that both numbers of rows are a multiple of; None elsewhere."""
    change = only_change(pair)
    if change is None or len(pair.variable.spec.shape) != 2 or change.axis != 0:
        return None
    channels = _channels(case, change)
    if channels and change.lhs % channels == change.rhs % channels == 0:
        return change, channels
    return None


def _channels(case: Case, change: Change) -> int:
    """The channels of the map that is flattened: seen at the flatten, else those of the convolution before."""
    use = change.pair.variable.consumer
    if use and use.flattened and len(use.flattened) == 4:
        return use.flattened[1 + (use.flattened_axes or "HWC").index("C")]
    before: Pair | None = None
    for pair in case.alignment.pairs:
        if pair.variable is change.pair.variable:
            break
        if len(pair.variable.spec.shape) == 4:
            before = pair
    return before.variable.spec.shape[3] if before and before.same_shape else 0


def show_map(positions: int) -> str:
    """A number of positions as a square map, where it is one."""
    side = isqrt(positions)
    return f"{side}x{side}" if side * side == positions else f"{positions} positions"


def keep_convolution(case: Case, pair: Pair) -> tuple[Remedy, ...]:
    """The other way out where a convolution is stored: slim's layer that makes just the stored variables.

    Source: tf_slim, tf_slim/layers/layers.py, `convolution` (`weights`, and `biases` unless their initializer is None).
    """
    scope, _, leaf = pair.variable.name.rpartition("/")
    if not case.alignment.graph.has_saver or leaf != "weights" or len(pair.entry.spec.shape) != 4:
        return ()
    kh, kw, _, out = pair.entry.spec.shape
    biased = f"{scope}/biases" in case.alignment.inventory.entries
    return (
        Remedy(
            "or keep the convolution, and squeeze the activations behind the last one (never a weight, never axis 0)",
            "display-only",
            Code.of(
                f"net = slim.conv2d(net, $out, $kernel, padding='VALID', {'' if biased else 'biases_initializer=None, '}"
                "scope=$scope)\nnet = tf.squeeze(net, [1, 2])",
                out=out,
                kernel=[kh, kw],
                scope=scope.rpartition("/")[2],
            ),
        ),
    )
