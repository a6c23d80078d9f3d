"""What is written for Keras is loaded by Keras, variable by variable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ckptdoctor
from ckptdoctor.errors import UsageError
from ckptdoctor.specs.dtype import dtype_from_name
from ckptdoctor.specs.graph import GraphKind, GraphSpec, Variable
from ckptdoctor.specs.tensor import TensorSpec

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
keras = pytest.importorskip("keras")

NESTED = """
import keras
from keras import layers


def tower(name):
    return keras.Sequential([keras.Input((6,)), layers.Dense(6, name="z"), layers.BatchNormalization(name="b"),
                             layers.Dense(6, use_bias=False, name="a")], name=name)


def model():
    given = keras.Input((6,))
    x = tower("second")(layers.Dense(6, name="stem")(given))
    return keras.Model(given, layers.BatchNormalization(name="after")(tower("first")(x)), name="net")
"""


def built(text: str) -> Any:
    names: dict[str, Any] = {}
    exec(text, names)
    keras.backend.clear_session()
    return names["model"]()


def fill(model: Any, seed: int) -> list[Any]:
    """Values of its own for every variable; what the model's own weights are afterwards."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.random(weight.shape).astype(np.float32) + 1 for weight in model.get_weights()])
    return list(model.get_weights())


def equal(model: Any, expected: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(model.get_weights(), expected, strict=True))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    directory = tmp_path_factory.mktemp("nested")
    (directory / "graph.py").write_text(NESTED)
    model = built(NESTED)
    expected = fill(model, 1)
    for name in ("m.h5", "m.keras"):
        model.save(directory / name)
    model.save_weights(directory / "m.weights.h5")
    return directory, expected


@pytest.mark.parametrize(
    ("source", "graph"),
    [
        *(("m.h5", graph) for graph in ("", "graph.py:model", "m.h5", "live")),
        *(("m.keras", graph) for graph in ("", "graph.py:model", "live")),
    ],
)
def test_a_legacy_file_keeps_the_order_of_layers_and_of_weights(
    source: str, graph: str, saved: tuple[Path, list[Any]], tmp_path: Path
) -> None:
    directory, expected = saved
    given: Any = built(NESTED) if graph == "live" else str(directory / graph) if graph else None
    ckptdoctor.convert(directory / source, tmp_path / "out.h5", graph=given)
    again = built(NESTED)
    again.load_weights(tmp_path / "out.h5")
    assert equal(again, expected)
    fill(again, 2)
    again.load_weights(tmp_path / "out.h5", by_name=True)
    assert equal(again, expected)


@pytest.mark.parametrize("source", ["m.weights.h5", "m.npz"])
def test_the_order_of_layers_is_never_guessed(source: str, saved: tuple[Path, list[Any]], tmp_path: Path) -> None:
    directory, _ = saved
    if source == "m.npz":
        np.savez(directory / source, **{"b/kernel": np.ones(3), "a/kernel": np.ones(3)})
    with pytest.raises(UsageError, match="order of a model's layers") as raised:
        ckptdoctor.convert(directory / source, tmp_path / "out.h5")
    assert "--graph model.py" in str(raised.value.hint)
    assert not list(tmp_path.iterdir())


def test_a_list_of_names_too_long_for_hdf5_is_cut_as_keras_cuts_it(tmp_path: Path) -> None:
    long = "n" * 700
    model = keras.Sequential([keras.Input((1,)), *(keras.layers.Dense(1, name=f"{long}{n}") for n in range(120))])
    expected = fill(model, 3)
    model.save(tmp_path / "m.h5")
    ckptdoctor.convert(tmp_path / "m.h5", tmp_path / "out.h5")
    fill(model, 4)
    model.load_weights(tmp_path / "out.h5")
    assert equal(model, expected)


def test_a_layer_of_which_a_weight_is_absent_is_left_out_whole(tmp_path: Path) -> None:
    """Never a bias of another head beside a dropped kernel."""

    def net(classes: int) -> Any:
        keras.backend.clear_session()
        layers = [keras.layers.Dense(4, name="body"), keras.layers.Dense(classes, name="head")]
        return keras.Sequential([keras.Input((3,)), *layers])

    model = net(3)
    expected = fill(model, 5)
    values = dict(zip([weight.path for weight in model.weights], expected, strict=True))
    del values["sequential/head/kernel"]
    np.savez(tmp_path / "m.npz", **values)
    model = net(3)
    conversion = ckptdoctor.plan_conversion(tmp_path / "m.npz", tmp_path / "out.h5", graph=model)
    assert any("head: the source has 1 of its 2 weights" in note for note in conversion.plan.notes)
    conversion.run()
    fresh = fill(model, 6)
    model.load_weights(tmp_path / "out.h5", by_name=True, skip_mismatch=True)
    assert equal(model, expected[:2] + fresh[2:])


def test_nothing_is_written_into_a_savedmodel(tmp_path: Path) -> None:
    """Its variables belong to its graph; a file of any other format would lie between them."""
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(np.arange(3.0))
    tf.saved_model.save(module, str(tmp_path / "exported"))
    before = sorted(path for path in tmp_path.rglob("*"))
    for name in ("exported/out.npz", "exported/variables/variables_fitted.ckpt", "exported/variables/out.safetensors"):
        with pytest.raises(UsageError, match="within the SavedModel") as raised:
            ckptdoctor.convert(tmp_path / "exported", tmp_path / name)
        assert "beside" in str(raised.value.hint)
    assert sorted(path for path in tmp_path.rglob("*")) == before
    ckptdoctor.convert(tmp_path / "exported", tmp_path / "beside.npz")


OBJECTS = {
    "a Sequential": 'keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.BatchNormalization(name="b")])',
    "a nested model": (
        'keras.Sequential([keras.Input((4,)), keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), '
        'layers.Dense(2, name="b")], name="inner"), layers.Dense(3, name="c")])'
    ),
    "a recurrent model": 'keras.Sequential([keras.Input((4, 2)), layers.LSTM(3, name="a"), layers.Dense(2, name="b")])',
}


@pytest.mark.parametrize("case", OBJECTS)
def test_tensorflow_still_misses_what_a_conversion_could_not_write(case: str, tmp_path: Path) -> None:
    import tensorflow as tf

    text = f"import keras\nfrom keras import layers\ndef model():\n    return {OBJECTS[case]}\n"
    model = built(text)
    fill(model, 7)
    values = {weight.path: np.asarray(weight) for weight in model.weights}
    np.savez(tmp_path / "whole.npz", **values)
    graph = ckptdoctor.diff(model, tmp_path / "whole.npz").alignment.graph
    for left_out in values:
        np.savez(tmp_path / "part.npz", **{key: value for key, value in values.items() if key != left_out})
        ckptdoctor.convert(tmp_path / "part.npz", tmp_path / "out.ckpt", graph=graph, force=True)
        again = built(text)
        fill(again, 8)
        status = tf.train.Checkpoint(model=again).restore(str(tmp_path / "out.ckpt"))
        for check in (status.assert_existing_objects_matched, status.assert_consumed):
            with pytest.raises(AssertionError):
                check()
        status.expect_partial()
        for weight in again.weights:
            key = weight.path
            assert np.array_equal(np.asarray(weight), values[key]) == (key != left_out), (left_out, key)
    ckptdoctor.convert(tmp_path / "whole.npz", tmp_path / "whole.ckpt", graph=graph)
    tf.train.Checkpoint(model=model).restore(str(tmp_path / "whole.ckpt")).assert_consumed()


def test_an_object_graph_goes_with_what_is_left_of_its_keys(tmp_path: Path) -> None:
    import tensorflow as tf

    def net() -> Any:
        keras.backend.clear_session()
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    model = net()
    expected = fill(model, 9)
    tf.train.Checkpoint(model=model).write(str(tmp_path / "whole"))
    ckptdoctor.convert(tmp_path / "whole", tmp_path / "out.ckpt", optimizer="drop")
    again = net()
    status = tf.train.Checkpoint(model=again).restore(str(tmp_path / "out.ckpt"))
    assert equal(again, expected)
    with pytest.raises(AssertionError):
        status.assert_existing_objects_matched()


COMPILED = """
import keras
from keras import layers


def model(compiled=True, first=3):
    made = keras.Sequential([keras.Input((4,)), layers.Dense(first, name="a"), layers.Dense(2, name="b")])
    if compiled:
        made.compile(keras.optimizers.Adam(), "mse")
        made.optimizer.build(made.trainable_variables)
    return made
"""


def trained(seed: int) -> Any:
    model = built(COMPILED)
    fill(model, seed)
    for number, variable in enumerate(model.optimizer.variables):
        variable.assign(np.full(variable.shape, 100 * seed + number, variable.dtype))
    return model


def state(model: Any) -> list[Any]:
    return [np.asarray(variable).tolist() for variable in model.optimizer.variables]


@pytest.mark.parametrize("graph", [None, "graph.py:model"])
@pytest.mark.parametrize(("source", "target"), [("m.weights.h5", "o.weights.h5"), ("m.keras", "o.keras")])
def test_an_optimizers_state_goes_with_the_weights(source: str, target: str, graph: str | None, tmp_path: Path) -> None:
    (tmp_path / "graph.py").write_text(COMPILED)
    model = trained(1)
    model.save(tmp_path / source) if source.endswith(".keras") else model.save_weights(tmp_path / source)
    ckptdoctor.convert(tmp_path / source, tmp_path / target, graph=graph and str(tmp_path / graph))
    if target.endswith(".keras"):
        again = keras.models.load_model(tmp_path / target)
    else:
        again = trained(2)
        again.load_weights(tmp_path / target)
    assert equal(again, model.get_weights())
    assert state(again) == state(model)


@pytest.mark.parametrize(
    ("options", "reason"),
    [("compiled=False", "not compiled"), ("first=5", "goes by the order of the model's variables")],
)
def test_a_state_that_is_left_out_is_counted_and_the_reason_given(options: str, reason: str, tmp_path: Path) -> None:
    text = COMPILED + f"\n\ndef other():\n    return model({options})\n"
    (tmp_path / "graph.py").write_text(text)
    trained(1).save_weights(tmp_path / "m.weights.h5")
    planned = ckptdoctor.plan_conversion(
        tmp_path / "m.weights.h5", tmp_path / "o.weights.h5", graph=f"{tmp_path}/graph.py:other"
    )
    assert any(note.startswith("10 tensors of an optimizer's state") and reason in note for note in planned.plan.notes)


def test_a_quantized_kernel_is_never_cast(tmp_path: Path) -> None:
    """Keras itself casts int8 to float32 when it assigns, without a word."""

    def net() -> Any:
        keras.backend.clear_session()
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(2, name="b")])

    model = net()
    fill(model, 1)
    model.quantize("int8")
    model.save_weights(tmp_path / "int8.weights.h5")
    for unsafe in (False, True):
        with pytest.raises(UsageError, match="int8 codes of a quantized layer"):
            ckptdoctor.convert(tmp_path / "int8.weights.h5", tmp_path / "o.weights.h5", graph=net(), unsafe=unsafe)
    report = ckptdoctor.diff(net(), tmp_path / "int8.weights.h5")
    assert not report.fits
    assert not [op for found in report.diagnostics for remedy in found.remedies for op in remedy.ops]


def test_what_is_left_over_makes_room_for_shifted_numbers(tmp_path: Path) -> None:
    """Else the variables whose names are free would be given the values of their neighbours."""

    def name(number: int) -> str:
        return "conv2d" + (f"_{number}" if number else "")

    shapes = [(3, 3, 3, 4)] * 2 + [(3, 3, 3, 8)] + [(3, 3, 8, 8)] * 4 + [(3, 3, 8, 16)]
    stored: dict[str, Any] = {}
    for number, shape in enumerate(shapes):
        stored[f"{name(number)}/kernel"] = np.full(shape, number, np.float32)
        stored[f"{name(number)}/bias"] = np.full(shape[-1:], number, np.float32)
    np.savez(tmp_path / "m.npz", **stored)
    float32 = dtype_from_name("float32")
    variables = tuple(
        Variable(f"{name(number)}/{role}", f"{name(number)}/{role}", TensorSpec(float32, size))
        for number, shape in enumerate(shapes[2:])
        for role, size in (("kernel", shape), ("bias", shape[-1:]))
    )
    graph = GraphSpec("graph.py", GraphKind.TENSORFLOW_1, variables)
    conversion = ckptdoctor.plan_conversion(tmp_path / "m.npz", tmp_path / "o.npz", graph=graph)
    conversion.run()
    written = np.load(tmp_path / "o.npz")
    for number in range(6):
        for role in ("kernel", "bias"):
            assert np.array_equal(written[f"{name(number)}/{role}"], stored[f"{name(number + 2)}/{role}"])
