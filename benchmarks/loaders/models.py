"""Networks of the kinds that people have, made narrow so that a pair takes milliseconds."""

from __future__ import annotations

from nets import Net, Part


def _layer(kind: str, uid: str, name: str = "", **config) -> Part:
    return Part(kind, uid, config, name)


def _dense(uid: str, units: int = 8, name: str = "", **config) -> Part:
    return _layer("Dense", uid, name, units=units, **config)


def _conv(uid: str, filters: int = 4, size: int = 3, name: str = "", **config) -> Part:
    return _layer("Conv2D", uid, name, filters=filters, kernel_size=size, padding="same", **config)


def _norm(uid: str, name: str = "", kind: str = "BatchNormalization", **config) -> Part:
    return _layer(kind, uid, name, **config)


def _held(kind: str, uid: str, *parts: Part, name: str = "", **config) -> Part:
    return Part(kind, uid, config, name, parts=parts)


def _named(*parts: Part) -> tuple[Part, ...]:
    """Each layer named by its uid."""
    return tuple(Part(p.kind, p.uid, p.config, p.name or p.uid, p.attr, _named(*p.parts)) for p in parts)


POOL, FLAT, RELU = _layer("MaxPooling2D", "pool"), _layer("Flatten", "flat"), _layer("ReLU", "relu")
MEAN, MEAN1 = _layer("GlobalAveragePooling2D", "mean"), _layer("GlobalAveragePooling1D", "mean")
EMBED = _layer("Embedding", "embed", input_dim=11, output_dim=8)
ATTENTION = _layer("MultiHeadAttention", "attention", num_heads=2, key_dim=4)
IMAGE, VECTOR, TOKENS, STEPS = (8, 8, 3), (8,), (6,), (6, 8)

_MLP = (_dense("a"), _dense("b"), _dense("c"), _dense("head", 4))
_CNN = (_conv("a"), _norm("na"), RELU, _conv("b"), _norm("nb"), POOL, FLAT, _dense("head", 5))
_VGG = (
    _conv("b1c1"),
    _conv("b1c2"),
    POOL,
    _conv("b2c1", 6),
    _conv("b2c2", 6),
    FLAT,
    _dense("fc1"),
    _dense("fc2"),
    _dense("head", 10),
)
_EQUAL = (_conv("stem"), _conv("a"), _conv("b"), _conv("c"), _norm("na"), _norm("nb"), MEAN, _dense("head", 4))
_RESNET = (
    _conv("stem"),
    _norm("bn"),
    _held("Residual", "r1", _conv("r1c1"), _norm("r1n1"), _conv("r1c2"), _norm("r1n2")),
    _held("Residual", "r2", _conv("r2c1"), _norm("r2n1"), _conv("r2c2"), _norm("r2n2")),
    MEAN,
    _dense("head", 5),
)
_RESNET_V2 = (
    _conv("stem"),
    _held("Residual", "r1", _norm("r1n1"), RELU, _conv("r1c1", use_bias=False), _norm("r1n2"), _conv("r1c2")),
    _norm("post"),
    MEAN,
    _dense("head", 5),
)
_INCEPTION = (
    _conv("stem"),
    _held(
        "Branches",
        "mixed",
        _held("Chain", "m0", _conv("m0a", 4, 1)),
        _held("Chain", "m1", _conv("m1a", 4, 1), _conv("m1b", 4, 3)),
        _held("Chain", "m2", _conv("m2a", 4, 1), _conv("m2b", 4, 3), _conv("m2c", 4, 3)),
    ),
    MEAN,
    _dense("head", 5),
)
_DENSENET = (
    _conv("stem"),
    _held("Branches", "d1", _held("Chain", "d1k"), _held("Chain", "d1n", _norm("d1b"), _conv("d1c", 4))),
    _held("Branches", "d2", _held("Chain", "d2k"), _held("Chain", "d2n", _norm("d2b"), _conv("d2c", 4))),
    _norm("last"),
    MEAN,
    _dense("head", 5),
)
_MOBILENET = (
    _conv("stem", use_bias=False),
    _norm("sn"),
    _layer("DepthwiseConv2D", "dw1", kernel_size=3, padding="same", use_bias=False),
    _norm("dn1"),
    _conv("pw1", 6, 1, use_bias=False),
    _norm("pn1"),
    _layer("DepthwiseConv2D", "dw2", kernel_size=3, padding="same", use_bias=False),
    _norm("dn2"),
    _conv("pw2", 6, 1, use_bias=False),
    _norm("pn2"),
    MEAN,
    _dense("head", 5),
)
_XCEPTION = (
    _conv("stem"),
    _held(
        "Residual",
        "x1",
        _layer("SeparableConv2D", "s1", filters=4, kernel_size=3, padding="same", use_bias=False),
        _norm("sn1"),
        _layer("SeparableConv2D", "s2", filters=4, kernel_size=3, padding="same"),
    ),
    MEAN,
    _dense("head", 5),
)
_CONVNEXT = (
    _conv("stem"),
    _held(
        "Residual",
        "c1",
        _layer("DepthwiseConv2D", "dw", kernel_size=3, padding="same"),
        _norm("ln", kind="LayerNormalization"),
        _dense("up", 8),
        _dense("down", 4),
        _layer("Scale", "gamma"),
    ),
    MEAN,
    _norm("hn", kind="LayerNormalization"),
    _dense("head", 5),
)
_EFFICIENT = (_layer("Rescaling", "rescale", scale=0.5), _layer("Normalization", "normalization"), *_MOBILENET)
_TRANSFORMER = (
    EMBED,
    _held("Residual", "t1", ATTENTION, _layer("Dropout", "drop", rate=0.1)),
    _norm("ln1", kind="LayerNormalization"),
    _held("Residual", "t2", _dense("up", 16), _dense("down", 8)),
    _norm("ln2", kind="LayerNormalization"),
    MEAN1,
    _dense("head", 3),
)
_BACKBONE = _held("Nested", "backbone", _conv("a"), _norm("na"), _conv("b"), name="backbone", style="functional")
_DEEP = _held(
    "Nested",
    "outer",
    _conv("a"),
    _held("Nested", "inner", _conv("b"), _norm("nb"), name="inner", style="sequential"),
    name="outer",
    style="functional",
)


def _bidirectional(kind: str, uid: str, **config) -> Part:
    return Part("Bidirectional", uid, {"layer": Part(kind, uid + "_cell", {"units": 4, **config})})


def _seq(shape, *parts, **more) -> Net:
    return Net("sequential", shape, parts, **more)


def _fun(shape, *parts, **more) -> Net:
    return Net("functional", shape, parts, **more)


def _sub(shape, *parts, **more) -> Net:
    return Net("subclass", shape, parts, **more)


MODELS: dict[str, Net] = {
    "sequential_mlp": _seq(VECTOR, *_MLP),
    "sequential_cnn": _seq(IMAGE, *_named(*_CNN)),
    "sequential_equal": _seq(IMAGE, *_EQUAL),
    "sequential_nested": _seq(
        IMAGE,
        _held("Nested", "backbone", _conv("a"), _norm("na"), style="sequential"),
        MEAN,
        _dense("h1"),
        _dense("head", 4),
    ),
    "sequential_conv1d": _seq(
        STEPS,
        _layer("Conv1D", "a", filters=8, kernel_size=3),
        _layer("Conv1D", "b", filters=8, kernel_size=3),
        MEAN1,
        _dense("head", 4),
    ),
    "functional_mlp": _fun(VECTOR, *_named(*_MLP)),
    "functional_cnn": _fun(IMAGE, *_CNN),
    "functional_vgg": _fun(IMAGE, *_named(*_VGG)),
    "functional_equal": _fun(IMAGE, *_named(*_EQUAL)),
    "functional_resnet": _fun(IMAGE, *_RESNET),
    "functional_resnet_named": _fun(IMAGE, *_named(*_RESNET)),
    "functional_resnet_v2": _fun(IMAGE, *_named(*_RESNET_V2)),
    "functional_inception": _fun(IMAGE, *_INCEPTION),
    "functional_densenet": _fun(IMAGE, *_named(*_DENSENET)),
    "functional_mobilenet": _fun(IMAGE, *_named(*_MOBILENET)),
    "functional_efficientnet": _fun(IMAGE, *_EFFICIENT),
    "functional_xception": _fun(IMAGE, *_XCEPTION),
    "functional_convnext": _fun(IMAGE, *_named(*_CONVNEXT)),
    "functional_lstm": _fun(TOKENS, EMBED, _layer("LSTM", "rnn", units=4), _dense("head", 3), dtype="int32"),
    "functional_gru": _fun(
        TOKENS,
        EMBED,
        _layer("GRU", "g1", units=4, return_sequences=True),
        _layer("GRU", "g2", units=4),
        _dense("head", 3),
        dtype="int32",
    ),
    "functional_bidirectional": _fun(
        TOKENS,
        EMBED,
        _bidirectional("LSTM", "b1", return_sequences=True),
        _bidirectional("GRU", "b2"),
        _dense("head", 3),
        dtype="int32",
    ),
    "functional_transformer": _fun(TOKENS, *_TRANSFORMER, dtype="int32"),
    "functional_nested": _fun(IMAGE, _BACKBONE, MEAN, _dense("h1", name="h1"), _dense("head", 4, name="head")),
    "functional_nested_twice": _fun(IMAGE, _DEEP, MEAN, _dense("h1"), _dense("head", 4)),
    "functional_equal_names": _fun(
        VECTOR,
        _held("Nested", "left", _dense("la", name="dense"), _dense("lb", name="out"), name="left", style="functional"),
        _held(
            "Nested", "right", _dense("ra", name="dense"), _dense("rb", name="out"), name="right", style="sequential"
        ),
        _dense("head", 4, name="head"),
    ),
    "functional_shared": _fun(
        VECTOR, _dense("a"), Part("Again", "a"), _dense("b"), Part("Again", "b"), _dense("head", 4)
    ),
    "functional_dropout": _fun(
        VECTOR,
        _dense("a"),
        _layer("Dropout", "d1", rate=0.5, seed=3),
        _dense("b"),
        _layer("GaussianNoise", "d2", stddev=0.1),
        _dense("head", 4),
    ),
    "functional_norms": _fun(
        IMAGE,
        _conv("a"),
        _norm("bn"),
        _norm("ln", kind="LayerNormalization"),
        _norm("gn", kind="GroupNormalization", groups=2),
        MEAN,
        _dense("head", 4),
    ),
    "functional_custom": _fun(
        VECTOR, _dense("a"), _layer("Scale", "s1"), _layer("OwnStore", "s2"), _layer("Late", "s3"), _dense("head", 4)
    ),
    "functional_blocks": _fun(
        VECTOR,
        _held("Block", "k1", _dense("k1a"), _dense("k1b")),
        _held("Block", "k2", _dense("k2a"), _dense("k2b")),
        _dense("head", 4),
    ),
    "functional_lora": _fun(TOKENS, EMBED, _dense("a"), _dense("b"), MEAN1, _dense("head", 4), dtype="int32", lora=2),
    "functional_int8": _fun(VECTOR, *_named(*_MLP), int8=True),
    "functional_compiled": _fun(VECTOR, *_named(*_MLP), compiled="compiled"),
    "functional_compiled_built": _fun(VECTOR, *_MLP, compiled="built"),
    "functional_transposed": _fun(
        IMAGE, _layer("Conv2DTranspose", "a", filters=4, kernel_size=3), _conv("b"), MEAN, _dense("head", 4)
    ),
    "subclass_mlp": _sub(VECTOR, *_MLP),
    "subclass_cnn": _sub(IMAGE, *_CNN),
    "subclass_named": _sub(VECTOR, *_named(*_MLP)),
    "subclass_list": _sub(VECTOR, _held("List", "stack", _dense("a"), _dense("b"), _dense("c")), _dense("head", 4)),
    "subclass_dict": _sub(VECTOR, _held("Dict", "towers", _dense("b"), _dense("a")), _dense("c"), _dense("head", 4)),
    "subclass_blocks": _sub(
        VECTOR,
        _held(
            "List",
            "blocks",
            _held("Block", "k1", _dense("k1a"), _dense("k1b")),
            _held("Block", "k2", _dense("k2a"), _dense("k2b")),
        ),
        _dense("head", 4),
    ),
    "subclass_nested": _sub(
        IMAGE, _BACKBONE, MEAN, _held("List", "tops", _dense("h1"), _norm("hn")), _dense("head", 4)
    ),
    "subclass_variables": _sub(VECTOR, _dense("a"), _dense("head", 4), variables=("temperature", "offset")),
    "subclass_transformer": _sub(
        TOKENS, EMBED, ATTENTION, _norm("ln", kind="LayerNormalization"), MEAN1, _dense("head", 3), dtype="int32"
    ),
    "subclass_compiled_built": _sub(VECTOR, *_MLP, compiled="built"),
    "subclass_shared": _sub(VECTOR, _dense("a"), Part("Again", "a", attr="again"), _dense("head", 4)),
    "subclass_rnn": _sub(TOKENS, EMBED, _bidirectional("GRU", "rnn"), _dense("head", 3), dtype="int32"),
    "module_mlp": Net("module", VECTOR, _MLP),
    "module_list": Net(
        "module", VECTOR, (_held("List", "stack", _dense("a"), _dense("b"), _dense("c")), _dense("head", 4))
    ),
    "module_dict": Net(
        "module", VECTOR, (_held("Dict", "towers", _dense("a"), _dense("b")), _norm("n"), _dense("head", 4))
    ),
    "module_blocks": Net(
        "module",
        VECTOR,
        (_held("Block", "k1", _dense("k1a"), _dense("k1b")), _held("Block", "k2", _dense("k2a"), _dense("k2b"))),
    ),
    "graph_mlp": Net("variables", VECTOR, _named(*_MLP)),
    "graph_vgg": Net("variables", IMAGE, _named(*_VGG), scope="vgg"),
    "graph_cnn": Net("variables", IMAGE, _named(*_CNN)),
    "graph_equal": Net("variables", IMAGE, _named(*_EQUAL), scope="net"),
    "graph_resnet": Net("variables", IMAGE, _named(*_RESNET), scope="resnet"),
    "graph_inception": Net("variables", IMAGE, _named(*_INCEPTION), scope="inception"),
}
"""By name. `module_…` are of `tf.Module`, `graph_…` of TensorFlow 1, the others of Keras."""
