"""A network as a model of Keras 3 or of tf_keras: which one is the `library` that is handed in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from nets import Net, Part, everything, leaves

LORA_KINDS = ("Dense", "Embedding")


def build_model(library: Any, net: Net) -> tuple[Any, dict[str, Any]]:
    """A built model, and its layers by uid."""
    made: dict[str, Any] = {}
    maker = Maker(library, net, made)
    for part in [part for part in leaves(net.parts) if part.kind != "Again"] * net.shift:
        Maker(library, net, {}).layer(Part(part.kind, part.uid, part.config))
    if net.style == "subclass":
        model = subclassed(library)(net, maker)
        model(library.Input(net.shape, dtype=net.dtype))
    elif net.style == "sequential":
        model = library.Sequential(
            [library.Input(net.shape, dtype=net.dtype), *(maker.sequential_item(part, net.shape) for part in net.parts)]
        )
    else:
        inputs = library.Input(net.shape, dtype=net.dtype)
        model = library.Model(inputs, maker.chain(net.parts, inputs))
    if net.lora:
        for part in leaves(net.parts):
            if part.kind in LORA_KINDS:
                made[part.uid].enable_lora(net.lora)
    if net.int8:
        model.quantize("int8")
    if net.compiled:
        model.compile(optimizer=library.optimizers.Adam(), loss="mse")
    if net.compiled == "built":
        model.optimizer.build(model.trainable_variables)
    return model, made


class Maker:
    """Makes the layers of a network, each once."""

    def __init__(self, library: Any, net: Net, made: dict[str, Any]) -> None:
        self.library, self.net, self.made = library, net, made

    def layer(self, part: Part) -> Any:
        if part.kind == "Again":
            return self.made[part.uid]
        layers, custom = self.library.layers, custom_layers(self.library)
        name = part.name or None
        if part.kind == "Block":
            layer = block_class(self.library)(part, self, name=name)
        elif part.kind == "Bidirectional":
            config = {key: value for key, value in part.config.items() if key != "layer"}
            layer = layers.Bidirectional(self.layer(part.config["layer"]), name=name, **config)
        else:
            kind = custom.get(part.kind) or getattr(layers, part.kind)
            layer = kind(name=name, **part.config)
        self.made[part.uid] = layer
        return layer

    def chain(self, parts: tuple[Part, ...], value: Any) -> Any:
        for part in parts:
            value = self.apply(part, value)
        return value

    def apply(self, part: Part, value: Any) -> Any:
        """The part on a symbolic value."""
        layers = self.library.layers
        if part.kind in ("Chain", "List", "Dict"):
            return self.chain(part.parts, value)
        if part.kind == "Residual":
            return layers.Add()([value, self.chain(part.parts, value)])
        if part.kind == "Branches":
            numbered = list(enumerate(part.parts))
            ends = {
                number: self.apply(branch, value) for number, branch in numbered[:: -1 if self.net.backwards else 1]
            }
            return layers.Concatenate()([ends[number] for number, _ in numbered])
        layer = self.nested(part, tuple(value.shape[1:])) if part.kind == "Nested" else self.layer(part)
        return layer(value, value) if part.kind == "MultiHeadAttention" else layer(value)

    def nested(self, part: Part, shape: tuple[int, ...] | None) -> Any:
        """A model that is part of another one; without a shape it is built when it is called."""
        style, name = part.config.get("style", "functional"), part.name or None
        if style == "sequential" or shape is None:
            first = [self.library.Input(shape)] if shape is not None else []
            model = self.library.Sequential(
                [*first, *(self.sequential_item(item, None) for item in part.parts)], name=name
            )
        else:
            inputs = self.library.Input(shape)
            model = self.library.Model(inputs, self.chain(part.parts, inputs), name=name)
        self.made[part.uid] = model
        return model

    def sequential_item(self, part: Part, shape: tuple[int, ...] | None) -> Any:
        return self.nested(part, shape) if part.kind == "Nested" else self.layer(part)


def weights_by_use(made: dict[str, Any]) -> dict[int, str]:
    """For each weight, by its id, what it is: the uid of its layer and its name within it."""
    uses: dict[int, str] = {}
    for uid, layer in sorted(made.items(), key=lambda item: len(getattr(item[1], "weights", []))):
        for number, weight in enumerate(layer.weights):
            parts = str(getattr(weight, "path", weight.name)).split(":")[0].split("/")
            leaf = "/".join(parts[parts.index(layer.name) + 1 :]) if layer.name in parts else f"{number}/{parts[-1]}"
            uses.setdefault(id(weight), f"{uid}/{leaf}")
    return uses


@lru_cache
def custom_layers(library: Any) -> dict[str, Any]:
    """Layers as people write them, by the kind of the part."""

    class Scale(library.layers.Layer):
        """A layer with a weight of its own, which Keras saves as it does by default."""

        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(int(shape[-1]),), initializer="ones")
            self.built = True

        def call(self, inputs):
            return inputs * self.scale

        def compute_output_shape(self, shape):
            return shape

    class OwnStore(Scale):
        """A layer that saves and loads its weight itself, under a name of its own."""

        def save_own_variables(self, store):
            store["the_scale"] = self.scale.numpy()

        def load_own_variables(self, store):
            self.scale.assign(store["the_scale"][...])

    class Late(Scale):
        """A layer that makes its weights when it is called, and says nothing of how it is built."""

        def build(self, shape):
            self.inner = library.layers.Dense(int(shape[-1]))
            self.inner.build(shape)
            super().build(shape)

        def build_from_config(self, config):
            pass

        def call(self, inputs):
            return super().call(self.inner(inputs))

    return {"Scale": Scale, "OwnStore": OwnStore, "Late": Late}


@lru_cache
def block_class(library: Any) -> Any:
    """A layer that holds layers."""

    class Block(library.layers.Layer):
        """A layer that keeps layers as attributes."""

        def __init__(self, part, maker, **kwargs):
            super().__init__(**kwargs)
            for item in part.parts:
                setattr(self, item.attr or item.uid, maker.layer(item))
            self.order = [item.attr or item.uid for item in part.parts]

        def build(self, shape):
            for name in self.order:
                layer = getattr(self, name)
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
            self.built = True

        def call(self, inputs):
            for name in self.order:
                inputs = getattr(self, name)(inputs)
            return inputs

        def compute_output_shape(self, shape):
            for name in self.order:
                shape = getattr(self, name).compute_output_shape(shape)
            return shape

        def get_config(self):
            return {"name": self.name}

    return Block


@lru_cache
def subclassed(library: Any) -> Any:
    """A model as a class."""

    class Subclassed(library.Model):
        """A model that keeps its parts as attributes, lists and dicts."""

        def __init__(self, net, maker):
            super().__init__()
            self.steps = [(part.kind, part.attr or part.uid) for part in net.parts]
            for number, part in enumerate(net.parts):
                setattr(self, part.attr or part.uid, self.kept(part, maker, net.shape if not number else None))
            self.own = tuple(net.variables)
            for name in net.variables:
                setattr(self, name, self.add_weight(name=name, shape=(net.shape[-1],), initializer="ones"))

        def kept(self, part, maker, shape=None):
            if part.kind == "List":
                return [self.kept(item, maker) for item in part.parts]
            if part.kind == "Dict":
                return {item.attr or item.uid: self.kept(item, maker) for item in part.parts}
            return maker.nested(part, shape) if part.kind == "Nested" else maker.layer(part)

        def call(self, inputs):
            for name in self.own:
                inputs = inputs * getattr(self, name)
            for kind, name in self.steps:
                held = getattr(self, name)
                items = held.values() if kind == "Dict" else held if kind == "List" else [held]
                for layer in items:
                    attends = type(layer).__name__ == "MultiHeadAttention"
                    inputs = layer(inputs, inputs) if attends else layer(inputs)
            return inputs

        def get_config(self):
            return {}

    return Subclassed


def can_build(net: Net, library: str) -> bool:
    """Whether a library has what a network needs."""
    modern = net.lora or net.int8 or any(part.config.get("seed") is not None for part in everything(net.parts))
    return net.style in ("sequential", "functional", "subclass") and not (library == "tf_keras" and modern)
