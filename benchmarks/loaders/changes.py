"""What people change between the save and the load, each a function from a network to the changed one.

None where the network has nothing to change in that way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from nets import CONTAINERS, Net, Part, everything, leaves, rewritten

Change = Callable[[Net], Net | None]

UNITS = ("units", "filters", "output_dim")
BIASED = ("Dense", "Conv2D", "Conv1D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")


def _heavy(net: Net) -> list[Part]:
    """The layers with a kernel, in order."""
    return [part for part in leaves(net.parts) if any(key in part.config for key in UNITS)]


def _edited(net: Net, uids: set[str], edit: Callable[[Part], tuple[Part, ...]]) -> Net:
    return replace(net, parts=rewritten(net.parts, lambda part: edit(part) if part.uid in uids else (part,)))


def _configured(net: Net, part: Part | None, **config) -> Net | None:
    return _edited(net, {part.uid}, lambda item: (item.with_config(**config),)) if part else None


def none(net: Net) -> Net:
    return net


def names_shifted(net: Net) -> Net | None:
    automatic = any(not part.name for part in leaves(net.parts)) and net.style not in ("module", "variables")
    return replace(net, shift=2) if automatic else None


def renamed(net: Net) -> Net | None:
    """Every layer has another name."""
    if net.style == "module":
        return None
    changed = rewritten(net.parts, lambda part: (replace(part, name=f"my_{part.uid}"),) if _nameable(part) else (part,))
    return replace(net, parts=changed)


def _nameable(part: Part) -> bool:
    return part.kind not in ("Again", "List", "Dict", "Residual", "Branches", "Chain")


def renamed_one(net: Net) -> Net | None:
    part = _heavy(net)[len(_heavy(net)) // 2]
    return None if net.style == "module" else _edited(net, {part.uid}, lambda item: (replace(item, name="renamed"),))


def _twins(net: Net) -> tuple[Part, Part] | None:
    """Two layers of one kind and one configuration."""
    found = list(leaves(net.parts))
    for number, first in enumerate(found):
        for second in found[number + 1 :]:
            same = (first.kind, first.config) == (second.kind, second.config) and first.uid != second.uid
            if same and first in _heavy(net) and "Again" not in {part.kind for part in found}:
                return first, second
    return None


def names_swapped(net: Net) -> Net | None:
    """Two equal layers have each other's names."""
    twins = _twins(net)
    if not twins or not twins[0].name:
        return None
    names = {twins[0].uid: twins[1].name, twins[1].uid: twins[0].name}
    return _edited(net, set(names), lambda part: (replace(part, name=names[part.uid]),))


def layers_swapped(net: Net) -> Net | None:
    """Two equal layers stand in each other's places, with their own names."""
    twins = _twins(net)
    if not twins:
        return None
    other = {twins[0].uid: twins[1], twins[1].uid: twins[0]}
    return _edited(net, set(other), lambda part: (other[part.uid],))


def attributes_swapped(net: Net) -> Net | None:
    """Two equal layers are kept under each other's attributes."""
    twins = _twins(net)
    if not twins or net.style not in ("subclass", "module"):
        return None
    attrs = {twins[0].uid: twins[1].uid, twins[1].uid: twins[0].uid}
    return _edited(net, set(attrs), lambda part: (replace(part, attr=attrs[part.uid]),))


def bias_dropped(net: Net, where: int = 0) -> Net | None:
    biased = [part for part in leaves(net.parts) if part.kind in BIASED and part.config.get("use_bias", True)]
    return _configured(net, biased[where], use_bias=False) if len(biased) > abs(where) else None


def biases_dropped(net: Net) -> Net | None:
    biased = {part.uid for part in leaves(net.parts) if part.kind in BIASED}
    return _edited(net, biased, lambda part: (part.with_config(use_bias=False),)) if biased else None


def scale_dropped(net: Net) -> Net | None:
    norms = [part for part in leaves(net.parts) if part.kind in ("BatchNormalization", "LayerNormalization")]
    return _configured(net, norms[0], scale=False) if norms else None


def centers_dropped(net: Net) -> Net | None:
    norms = {part.uid for part in leaves(net.parts) if part.kind in ("BatchNormalization", "LayerNormalization")}
    return _edited(net, norms, lambda part: (part.with_config(center=False),)) if norms else None


def norm_added(net: Net, where: float = 0.5) -> Net | None:
    """A normalisation after a layer."""
    heavy = _heavy(net)
    at = heavy[min(int(where * len(heavy)), len(heavy) - 1)].uid
    named = bool(heavy[0].name)
    extra = Part("BatchNormalization", "extra", {}, "extra" if named else "")
    return _edited(net, {at}, lambda part: (part, extra))


def layer_added(net: Net, where: int = -1) -> Net | None:
    """A dense layer before the last one, or after it."""
    extra = Part(
        "Dense", "extra", {"units": net.parts[-1].config.get("units", 4)}, "extra" if _heavy(net)[0].name else ""
    )
    at = len(net.parts) + where + 1
    return replace(net, parts=(*net.parts[:at], extra, *net.parts[at:]))


def layer_dropped(net: Net, where: float = 0.5) -> Net | None:
    """One layer with weights less, from a place on that has one that nothing else needs."""
    if any(part.kind in ("Again", "Bidirectional") for part in leaves(net.parts)):
        return None
    weighted = [part for part in leaves(net.parts) if part in _heavy(net) or "Normalization" in part.kind]
    part = weighted[min(int(where * len(weighted)), len(weighted) - 1)]
    return _edited(net, {part.uid}, lambda item: ()) if len(weighted) > 2 else None


def activation_added(net: Net) -> Net | None:
    """A layer without weights more: numbers in lists of all layers move, those of layers with weights do not."""
    if net.style in ("module", "variables"):
        return None
    return _edited(net, {_heavy(net)[0].uid}, lambda part: (part, Part("ReLU", "extra_relu", {}, "extra_relu")))


def dropout_added(net: Net) -> Net | None:
    if net.style in ("module", "variables"):
        return None
    return _edited(net, {_heavy(net)[-1].uid}, lambda part: (Part("Dropout", "extra_drop", {"rate": 0.2}), part))


def classes_changed(net: Net) -> Net | None:
    last = net.parts[-1]
    return replace(net, parts=(*net.parts[:-1], last.with_config(units=7))) if "units" in last.config else None


def width_changed(net: Net) -> Net | None:
    part = _heavy(net)[0]
    key = next(key for key in UNITS if key in part.config)
    return _configured(net, part, **{key: part.config[key] * 2})


def kernel_changed(net: Net) -> Net | None:
    convolutions = [part for part in leaves(net.parts) if "kernel_size" in part.config]
    return _configured(net, convolutions[0], kernel_size=5) if convolutions else None


def half(net: Net, every: bool = True) -> Net | None:
    uids = {part.uid for part in (leaves(net.parts) if every else _heavy(net)[:1]) if "layer" not in part.config}
    uids -= {part.uid for part in leaves(net.parts) if part.kind == "Again"}
    return _edited(net, uids, lambda part: (part.with_config(dtype="float16"),))


def head_replaced(net: Net) -> Net | None:
    """The last layer is another one, with another number of outputs."""
    head = Part("Dense", "new_head", {"units": 7}, "new_head" if net.parts[-1].name else "")
    return replace(net, parts=(*net.parts[:-1], head)) if net.parts[-1].kind == "Dense" else None


def head_dropped(net: Net) -> Net | None:
    return replace(net, parts=net.parts[:-1]) if len(_heavy(net)) > 1 else None


def wrapped(net: Net, style: str = "functional") -> Net | None:
    """All but the last layer are in a model of their own."""
    if net.style not in ("sequential", "functional") or any(part.kind == "Again" for part in leaves(net.parts)):
        return None
    if style == "sequential" and any(part.kind in CONTAINERS for part in net.parts):
        return None
    name = "wrapper" if _heavy(net)[0].name else ""
    inner = Part("Nested", "wrapper", {"style": style}, name, parts=net.parts[:-1])
    return None if net.dtype != "float32" else replace(net, parts=(inner, net.parts[-1]))


def unwrapped(net: Net) -> Net | None:
    if not any(part.kind == "Nested" for part in everything(net.parts)):
        return None
    names = [part.name for part in leaves(net.parts) if part.name]
    if len(set(names)) < len(names):
        return None
    return replace(net, parts=rewritten(net.parts, lambda part: part.parts if part.kind == "Nested" else (part,)))


def block_opened(net: Net) -> Net | None:
    """What a custom layer held stands in the model itself."""
    if not any(part.kind == "Block" for part in net.parts):
        return None
    return replace(net, parts=rewritten(net.parts, lambda part: part.parts if part.kind == "Block" else (part,)))


def attribute_renamed(net: Net) -> Net | None:
    first = next((part for part in net.parts if part.kind != "Again"), net.parts[0])
    return _edited(net, {first.uid}, lambda part: (replace(part, attr="renamed"),)) if _objects(net) else None


def _objects(net: Net) -> bool:
    return net.style in ("subclass", "module")


def attributes_renamed(net: Net) -> Net | None:
    if not _objects(net) or any(part.kind == "Again" for part in net.parts):
        return None
    return replace(net, parts=tuple(replace(part, attr=f"layer_{number}") for number, part in enumerate(net.parts)))


def kind_changed(net: Net, old: str, new: str) -> Net | None:
    if not any(part.kind == old for part in everything(net.parts)):
        return None
    return replace(
        net, parts=rewritten(net.parts, lambda part: (replace(part, kind=new),) if part.kind == old else (part,))
    )


def list_opened(net: Net) -> Net | None:
    """What a list held is kept as attributes."""
    if not any(part.kind == "List" for part in net.parts):
        return None
    return replace(
        net, parts=tuple(item for part in net.parts for item in (part.parts if part.kind == "List" else (part,)))
    )


def list_reversed(net: Net) -> Net | None:
    if not any(part.kind in ("List", "Dict") for part in net.parts):
        return None
    turned = lambda part: (replace(part, parts=part.parts[::-1]),) if part.kind in ("List", "Dict") else (part,)  # noqa: E731
    return replace(net, parts=rewritten(net.parts, turned))


def frozen(net: Net, which: str = "first") -> Net | None:
    layers = [part for part in leaves(net.parts) if part.kind not in ("Again", "Bidirectional")]
    if which == "norms":
        layers = [part for part in layers if part.kind == "BatchNormalization"]
    chosen = {part.uid for part in (layers[:1] if which == "first" else layers)}
    return _edited(net, chosen, lambda part: (part.with_config(trainable=False),)) if chosen else None


def frozen_backbone(net: Net) -> Net | None:
    """A model in the model is not trained: its weights come in another order in the legacy format."""
    inner = {part.uid for part in net.parts if part.kind in ("Nested", "Block")}
    uids = {leaf.uid for part in net.parts if part.uid in inner for leaf in leaves(part.parts[:1])}
    return _edited(net, uids, lambda part: (part.with_config(trainable=False),)) if uids else None


def compiled(net: Net, how: str = "compiled") -> Net | None:
    return replace(net, compiled=how) if net.style not in ("module", "variables") and net.compiled != how else None


def lora(net: Net) -> Net | None:
    usable = any(part.kind in ("Dense", "Embedding") for part in leaves(net.parts))
    return replace(net, lora=0 if net.lora else 2) if usable and _keras(net) else None


def int8(net: Net) -> Net | None:
    return (
        replace(net, int8=not net.int8)
        if _keras(net)
        and all(
            part.kind in ("Dense", "Dropout", "Embedding", "Scale", "GlobalAveragePooling1D")
            for part in leaves(net.parts)
        )
        else None
    )


def _keras(net: Net) -> bool:
    return net.style in ("sequential", "functional", "subclass")


def backwards(net: Net) -> Net | None:
    """The branches, or the variables, are made in the other order."""
    branched = any(part.kind == "Branches" for part in net.parts)
    return replace(net, backwards=True) if branched or net.style == "variables" else None


def branches_turned(net: Net) -> Net | None:
    """The branches are concatenated in the other order."""
    if not any(part.kind == "Branches" for part in net.parts):
        return None
    turned = lambda part: (replace(part, parts=part.parts[::-1]),) if part.kind == "Branches" else (part,)  # noqa: E731
    return replace(net, parts=rewritten(net.parts, turned))


def rnn_changed(net: Net) -> Net | None:
    kinds = {"LSTM": "GRU", "GRU": "LSTM"}
    cells = [part for part in leaves(net.parts) if part.kind in kinds]
    return _edited(net, {cells[0].uid}, lambda part: (replace(part, kind=kinds[part.kind]),)) if cells else None


def rnn_biases(net: Net) -> Net | None:
    """The GRU of before `reset_after`."""
    cells = {part.uid for part in leaves(net.parts) if part.kind == "GRU"}
    return _edited(net, cells, lambda part: (part.with_config(reset_after=False),)) if cells else None


def bidirectional_opened(net: Net) -> Net | None:
    if not any(part.kind == "Bidirectional" for part in net.parts):
        return None

    def opened(part: Part) -> tuple[Part, ...]:
        if part.kind != "Bidirectional":
            return (part,)
        sequences = part.config.get("return_sequences") or part.config["layer"].config.get("return_sequences", False)
        return (part.config["layer"].with_config(return_sequences=sequences),)

    return replace(net, parts=tuple(item for part in net.parts for item in opened(part)))


def variable_added(net: Net) -> Net | None:
    return replace(net, variables=(*net.variables, "added")) if _objects(net) else None


def variable_dropped(net: Net) -> Net | None:
    return replace(net, variables=net.variables[1:]) if net.variables else None


def variables_reordered(net: Net) -> Net | None:
    return replace(net, variables=net.variables[::-1]) if len(net.variables) > 1 else None


def root_renamed(net: Net) -> Net:
    return replace(net, root="net")


def root_itself(net: Net) -> Net:
    return replace(net, root="")


def scoped(net: Net) -> Net | None:
    return replace(net, scope="" if net.scope else "tower") if net.style == "variables" else None


def both(first: Change, second: Change, net: Net) -> Net | None:
    changed = first(net)
    return second(changed) if changed is not None else None


CHANGES: dict[str, Change] = {
    "none": none,
    "names_shifted": names_shifted,
    "renamed": renamed,
    "renamed_one": renamed_one,
    "names_swapped": names_swapped,
    "layers_swapped": layers_swapped,
    "attributes_swapped": attributes_swapped,
    "bias_dropped": bias_dropped,
    "bias_dropped_last": partial(bias_dropped, where=-1),
    "biases_dropped": biases_dropped,
    "scale_dropped": scale_dropped,
    "centers_dropped": centers_dropped,
    "norm_added_first": partial(norm_added, where=0.0),
    "norm_added": norm_added,
    "layer_added": partial(layer_added, where=-2),
    "layer_added_last": layer_added,
    "layer_dropped_first": partial(layer_dropped, where=0.0),
    "layer_dropped": layer_dropped,
    "activation_added": activation_added,
    "dropout_added": dropout_added,
    "classes_changed": classes_changed,
    "width_changed": width_changed,
    "kernel_changed": kernel_changed,
    "half": half,
    "half_one": partial(half, every=False),
    "head_replaced": head_replaced,
    "head_dropped": head_dropped,
    "wrapped": wrapped,
    "wrapped_sequential": partial(wrapped, style="sequential"),
    "unwrapped": unwrapped,
    "block_opened": block_opened,
    "attribute_renamed": attribute_renamed,
    "attributes_renamed": attributes_renamed,
    "list_made_dict": partial(kind_changed, old="List", new="Dict"),
    "dict_made_list": partial(kind_changed, old="Dict", new="List"),
    "list_opened": list_opened,
    "list_reversed": list_reversed,
    "frozen_first": frozen,
    "frozen_norms": partial(frozen, which="norms"),
    "frozen_all": partial(frozen, which="all"),
    "frozen_backbone": frozen_backbone,
    "compiled": compiled,
    "compiled_built": partial(compiled, how="built"),
    "not_compiled": partial(compiled, how=""),
    "lora": lora,
    "int8": int8,
    "backwards": backwards,
    "branches_turned": branches_turned,
    "rnn_changed": rnn_changed,
    "rnn_biases": rnn_biases,
    "bidirectional_opened": bidirectional_opened,
    "variable_added": variable_added,
    "variable_dropped": variable_dropped,
    "variables_reordered": variables_reordered,
    "root_renamed": root_renamed,
    "root_itself": root_itself,
    "scoped": scoped,
    "renamed+classes_changed": partial(both, renamed, classes_changed),
    "names_shifted+head_replaced": partial(both, names_shifted, head_replaced),
    "wrapped+classes_changed": partial(both, wrapped, classes_changed),
    "compiled_built+layer_added": partial(both, partial(compiled, how="built"), layer_added),
    "bias_dropped+renamed_one": partial(both, bias_dropped, renamed_one),
}

REVERSED = (
    "bias_dropped",
    "scale_dropped",
    "norm_added",
    "layer_added",
    "layer_dropped",
    "activation_added",
    "half",
    "wrapped",
    "frozen_first",
    "frozen_backbone",
    "compiled_built",
    "lora",
    "int8",
    "head_dropped",
    "list_opened",
)
"""Changes that are tried the other way round too: the changed network is saved, and the one without it loads."""
