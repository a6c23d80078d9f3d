"""The weights of a part and the shape of what it gives, for graphs that are made variable by variable."""

from __future__ import annotations

from nets import Part

Weights = list[tuple[str, tuple[int, ...], bool]]
"""Name, shape, and whether it is trained."""


def weights_of(part: Part, shape: tuple[int, ...]) -> tuple[Weights, tuple[int, ...]]:
    """A layer's weights on an input of a shape (without the batch), and its output's shape."""
    config, last = part.config, shape[-1]
    trained = config.get("trainable", True)
    if part.kind == "Dense":
        bias: Weights = [("bias", (config["units"],), trained)] if config.get("use_bias", True) else []
        return [("kernel", (last, config["units"]), trained), *bias], (*shape[:-1], config["units"])
    if part.kind == "Conv2D":
        size, filters = config["kernel_size"], config["filters"]
        bias = [("bias", (filters,), trained)] if config.get("use_bias", True) else []
        return [("kernel", (size, size, last, filters), trained), *bias], (*shape[:-1], filters)
    if part.kind == "BatchNormalization":
        named = [name for name, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True)]
        moving: Weights = [("moving_mean", (last,), False), ("moving_variance", (last,), False)]
        return [(name, (last,), trained) for name in named] + moving, shape
    if part.kind == "MaxPooling2D":
        return [], (shape[0] // 2, shape[1] // 2, last)
    if part.kind == "Flatten":
        size = 1
        for length in shape:
            size *= length
        return [], (size,)
    if part.kind == "GlobalAveragePooling2D":
        return [], (last,)
    if part.kind in ("ReLU", "Dropout"):
        return [], shape
    raise ValueError(f"no {part.kind} in a graph of variables")
