"""One known change to a network's checkpoint, or to its graph, and the rule that should say so.

A mutation takes a network's variables and gives both sides: the graph's variables, the checkpoint's entries, which entry
is which variable, and the expected rule. It gives None where the network has nothing to change in that way.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from ckptdoctor.libraries.name import read_name
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import Variable
from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.tensor import Shape, TensorSpec

FLOAT, HALF = dtype_from_name("float32"), dtype_from_name("float16")


@dataclass(frozen=True)
class Mutated:
    """Both sides, the truth, the rule that should explain most of it (empty: no finding at all), and others that must fire."""

    variables: tuple[Variable, ...]
    entries: tuple[Entry, ...]
    truth: dict[str, str]
    rule: str
    also: frozenset[str] = frozenset()


Mutation = Callable[[tuple[Variable, ...]], Mutated | None]


def _entry(key: str, shape: Shape, dtype=FLOAT) -> Entry:
    return Entry(key, TensorSpec(dtype, shape))


def _stored(
    variables, rule, *, name=lambda key: key, shape=lambda item: item.spec.shape, keep=lambda item: True, dtype=None
):
    kept = [item for item in variables if keep(item)]
    entries = tuple(_entry(name(item.key), shape(item), dtype or item.spec.dtype) for item in kept)
    if len({entry.key for entry in entries}) < len(entries):
        return None
    return Mutated(variables, entries, {item.key: name(item.key) for item in kept}, rule)


def _extra(variables, suffixes):
    """Slots of the trained variables."""
    return tuple(
        Variable(f"{item.key}/{suffix}", f"{item.key}/{suffix}", item.spec, trainable=False)
        for item in variables
        for suffix in suffixes
        if item.trainable
    )


def _kernels(variables):
    return [item for item in variables if len(item.spec.shape) >= 2]


def _last(variables):
    return _kernels(variables)[-1]


def unchanged(variables):
    return _stored(variables, "")


def class_count(variables):
    last = _last(variables)
    scope, count = last.key.rpartition("/")[0], last.spec.shape[-1]

    def shape(item):
        mine = item.key.rpartition("/")[0] == scope and item.spec.shape[-1:] == (count,)
        return (*item.spec.shape[:-1], 37) if mine else item.spec.shape

    return _stored(variables, "class-count", shape=shape)


def background_class(variables):
    last = _last(variables)
    scope, count = last.key.rpartition("/")[0], last.spec.shape[-1]
    more = count + 1 if count == 1000 else count - 1
    return _stored(
        variables,
        "class-count",
        shape=lambda item: (
            (*item.spec.shape[:-1], more)
            if item.key.rpartition("/")[0] == scope and item.spec.shape[-1:] == (count,)
            else item.spec.shape
        ),
    )


def conv_stored(variables):
    last = _last(variables)
    if len(last.spec.shape) != 2:
        return None
    return _stored(
        variables, "conv-for-dense", shape=lambda item: (1, 1, *item.spec.shape) if item is last else item.spec.shape
    )


def dense_stored(variables):
    last = _last(variables)
    if len(last.spec.shape) != 4 or last.spec.shape[:2] != (1, 1):
        return None
    return _stored(
        variables, "dense-for-conv", shape=lambda item: item.spec.shape[2:] if item is last else item.spec.shape
    )


def input_size(variables):
    flattened = [
        item
        for item in variables
        if item.consumer and item.consumer.flattened and len(item.spec.shape) == 2 and len(item.consumer.flattened) == 4
    ]
    if not flattened or flattened[0].consumer.flattened[1] < 3:
        return None
    first = flattened[0]
    channels, side = first.consumer.flattened[3], first.consumer.flattened[1]
    rows = channels * (side - 2) ** 2
    return _stored(
        variables,
        "input-size",
        shape=lambda item: (rows, item.spec.shape[1]) if item is first else item.spec.shape,
    )


def input_channels(variables):
    first = next((item for item in _kernels(variables) if len(item.spec.shape) == 4 and item.spec.shape[2] == 3), None)
    if first is None:
        return None
    return _stored(
        variables,
        "input-channels",
        shape=lambda item: (*item.spec.shape[:2], 1, item.spec.shape[3]) if item is first else item.spec.shape,
    )


def width(variables):
    kernels = _kernels(variables)
    fixed = {kernels[-1].spec.shape[-1], 3, 1}
    if any(size % 2 for item in kernels for size in item.spec.shape[-2:] if size not in fixed):
        return None

    def shape(item):
        whole = item.spec.shape
        if len(whole) == 4:
            return (*whole[:2], *(size if size in fixed else size // 2 for size in whole[2:]))
        return tuple(size if size in fixed else size // 2 for size in whole)

    return _stored(variables, "width-multiplier", shape=shape)


def shallower(variables):
    """The last of a family of numbered blocks is not in the checkpoint."""
    blocks: dict[tuple[str, str], int] = {}
    for item in variables:
        for match in re.finditer(
            r"(?P<stem>(^|/)(?:unit|block|layer|conv\d_block|conv\d/conv\d|block\d_conv))_?(?P<n>\d+)", item.key
        ):
            stem = item.key[: match.start("n")]
            blocks[stem, ""] = max(blocks.get((stem, ""), 0), int(match["n"]))
    blocks = {stem: last for stem, last in blocks.items() if last >= 3}
    if not blocks:
        return None
    (stem, _), number = max(blocks.items(), key=lambda item: (item[1], item[0]))
    gone = re.compile(re.escape(f"{stem}{number}") + r"(?!\d)")
    return _stored(variables, "other-depth", keep=lambda item: not gone.match(item.key))


def scope(variables):
    return _stored(variables, "scope-prefix", name=lambda key: f"pretrained/{key}")


def tower(variables):
    return _stored(variables, "multi-gpu-wrapper", name=lambda key: f"tower_0/{key}")


def scope_replaced(variables):
    if not all("/" in item.key for item in variables):
        return None
    first = variables[0].key.split("/")[0]
    if not all(item.key.startswith(f"{first}/") for item in variables):
        return None
    return _stored(variables, "scope-prefix", name=lambda key: key.replace(f"{first}/", "net/model/", 1))


_DIALECT = {"weights": "kernel", "biases": "bias", "kernel": "weights", "bias": "biases"}


def dialect(variables):
    def name(key):
        head, _, leaf = key.rpartition("/")
        return f"{head}/{_DIALECT.get(leaf, leaf)}"

    return _stored(variables, "naming-dialect", name=name)


_NUMBERED = re.compile(r"^(conv2d|batch_normalization|dense|Variable|separable_conv2d)(?:_(\d+))?(?=/|$)")


def shifted(variables):
    """Automatic numbers go on where another model in the process stopped."""
    if sum(bool(_NUMBERED.match(item.key)) for item in variables) * 2 < len(variables):
        return None
    return _stored(
        variables,
        "auto-numbered-names",
        name=lambda key: _NUMBERED.sub(lambda match: f"{match[1]}_{int(match[2] or 0) + 94}", key),
    )


def permuted(variables):
    """Automatic numbers in another order. What shapes cannot tell must be said to be ambiguous."""
    names = sorted({match[0] for item in variables if (match := _NUMBERED.match(item.key))})
    if len(names) * 3 < len({item.key.rpartition("/")[0] for item in variables}):
        return None
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(_NUMBERED.match(name)[1], []).append(name)
    other = {}
    for family in families.values():
        other.update(zip(family, random.Random(7).sample(family, len(family)), strict=True))
    return _stored(variables, "ambiguous-names", name=lambda key: _NUMBERED.sub(lambda match: other[match[0]], key))


def no_slots(variables):
    mutated = _stored(variables, "optimizer-slots")
    return replace(mutated, variables=(*variables, *_extra(variables, ("Adam", "Adam_1"))))


def other_slots(variables):
    mutated = _stored(variables, "other-optimizer")
    momentum = tuple(Entry(item.key, item.spec) for item in _extra(variables, ("Momentum",)))
    wanted = (*variables, *_extra(variables, ("Adam", "Adam_1")))
    return replace(mutated, variables=wanted, entries=(*mutated.entries, *momentum))


def averages(variables):
    trained = {item.key for item in variables if item.trainable}
    mutated = _stored(
        variables,
        "averages-only",
        name=lambda key: f"{key}/ExponentialMovingAverage" if key in trained else key,
    )
    # What an average is of is the rule's business, not the mapping's.
    return replace(mutated, truth={key: value for key, value in mutated.truth.items() if key == value})


def half(variables):
    return _stored(variables, "dtype-mismatch", dtype=HALF)


def channels_first(variables):
    if not any(len(item.spec.shape) == 4 for item in variables):
        return None

    def shape(item):
        whole = item.spec.shape
        return (whole[3], whole[2], whole[0], whole[1]) if len(whole) == 4 else whole

    return _stored(variables, "layout-transpose", shape=shape)


def no_statistics(variables):
    roles = [read_name(item.key).role for item in variables]
    if "moving_mean" not in roles or not {"gamma", "beta"} & set(roles):
        return None
    return _stored(
        variables, "batchnorm-statistics", keep=lambda item: not read_name(item.key).role.startswith("moving_")
    )


def no_normalisation(variables):
    """The checkpoint's network has biases where the graph normalises."""
    norms = [item for item in variables if item.key.endswith("/BatchNorm/beta")]
    if not norms:
        return None
    mutated = _stored(variables, "bias-for-batchnorm", keep=lambda item: "/BatchNorm/" not in item.key)
    biases = tuple(Entry(item.key.replace("/BatchNorm/beta", "/biases"), item.spec) for item in norms)
    return replace(mutated, entries=(*mutated.entries, *biases))


def twice(variables):
    """The graph holds a second copy under other numbers."""
    copies = []
    for item in variables:
        head, slash, rest = item.key.partition("/")
        key = f"{head}_1{slash}{rest}"
        copies.append(replace(item, name=key, key=key))
    if {item.key for item in copies} & {item.key for item in variables}:
        return None
    return Mutated(
        (*variables, *copies),
        _stored(variables, "").entries,
        {item.key: item.key for item in variables},
        "graph-built-twice",
    )


def step_type(variables):
    step = Variable("global_step", "global_step", TensorSpec(dtype_from_name("int64"), ()), trainable=False)
    mutated = _stored(variables, "step-dtype")
    entries = (*mutated.entries, _entry("global_step", (), dtype_from_name("int32")))
    truth = {**mutated.truth, "global_step": "global_step"}
    return replace(mutated, variables=(*variables, step), entries=entries, truth=truth)


def no_step(variables):
    step = Variable("global_step", "global_step", TensorSpec(dtype_from_name("int64"), ()), trainable=False)
    return replace(_stored(variables, "global-step"), variables=(*variables, step))


def new_head(variables):
    """The graph has a layer that the checkpoint lacks."""
    made = tuple(
        Variable(f"new_head/{name}", f"new_head/{name}", TensorSpec(FLOAT, shape))
        for name, shape in (("kernel", (11, 5)), ("bias", (5,)))
    )
    return replace(_stored(variables, "missing-variable"), variables=(*variables, *made))


def missing_bias(variables):
    """The checkpoint's last layer has no bias."""
    scope = _last(variables).key.rpartition("/")[0]
    biases = [item for item in variables if item.key.rpartition("/")[0] == scope and read_name(item.key).role == "bias"]
    return _stored(variables, "missing-variable", keep=lambda item: item not in biases) if biases else None


def scope_and_classes(variables):
    mutated = class_count(variables)
    entries = tuple(Entry(f"pretrained/{entry.key}", entry.spec) for entry in mutated.entries)
    truth = {key: f"pretrained/{value}" for key, value in mutated.truth.items()}
    return Mutated(variables, entries, truth, "scope-prefix", frozenset({"class-count"}))


def half_and_channels(variables):
    mutated = input_channels(variables)
    if mutated is None:
        return None
    entries = tuple(_entry(entry.key, entry.spec.shape, HALF) for entry in mutated.entries)
    return replace(mutated, entries=entries, rule="dtype-mismatch", also=frozenset({"input-channels"}))


def dialect_and_classes(variables):
    mutated, words = class_count(variables), dialect(variables)
    names = words.truth
    entries = tuple(Entry(names[entry.key], entry.spec) for entry in mutated.entries)
    return Mutated(variables, entries, names, "naming-dialect", frozenset({"class-count"}))


MUTATIONS: tuple[Mutation, ...] = (
    unchanged, class_count, background_class, conv_stored, dense_stored, input_size, input_channels, width, shallower,
    scope, tower, scope_replaced, dialect, shifted, permuted, no_slots, other_slots, averages, half, channels_first,
    no_statistics, no_normalisation, twice, step_type, no_step, new_head,
    missing_bias, scope_and_classes, half_and_channels, dialect_and_classes,
)  # fmt: skip
