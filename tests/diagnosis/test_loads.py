"""What Keras's and TensorFlow's loaders really do against what is meant: no alarm where it is the same, a finding where not.

Each situation is built with the real library; where the load raises nothing, the values that it leaves are looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ckptdoctor
from tests.conftest import SHARED

keras = pytest.importorskip("keras")
L = keras.layers


@pytest.fixture(autouse=True)
def numbers_from_the_start() -> None:
    keras.backend.clear_session()


def chain(*layers: Any, size: int = 4) -> Any:
    start = end = keras.Input((size,))
    for layer in layers:
        end = layer(end)
    return keras.Model(start, end)


def heads(first: str, second: str) -> Any:
    start = keras.Input((4,))
    trunk = L.Dense(6, name="trunk")(start)
    return keras.Model(start, [L.Dense(3, name=first)(trunk), L.Dense(3, name=second)(trunk)])


def fill(model: Any) -> Any:
    """Values of its own for every variable."""
    for number, weight in enumerate(model.weights):
        weight.assign(1000.0 * (number + 1) + np.arange(np.prod(weight.shape, dtype=int)).reshape(weight.shape))
    return model


def saved(model: Any, path: Path) -> Path:
    """The weights in a file, legacy where its name says so."""
    if path.name.endswith((".weights.h5", ".keras")):
        fill(model).save_weights(path) if path.suffix == ".h5" else fill(model).save(path)
    else:
        import h5py
        from keras.src.legacy.saving import legacy_h5_format

        with h5py.File(path, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, fill(model))
    return path


def codes(report: ckptdoctor.DiffReport) -> set[str]:
    return {item.rule.name for item in report.findings}


ENDINGS = ("m.h5", "m.weights.h5")


@pytest.mark.parametrize("name", ENDINGS)
def test_numbers_that_counted_on_are_no_finding(name: str, tmp_path: Path) -> None:
    chain(L.Dense(4), L.Dense(4))
    path = saved(chain(L.Dense(4), L.Dense(4), L.Dense(4)), tmp_path / name)
    keras.backend.clear_session()
    model = chain(L.Dense(4), L.Dense(4), L.Dense(4))
    report = ckptdoctor.diff(model, path)
    assert report.fits, str(report)
    assert not report.diagnostics
    model.load_weights(path)
    assert all(weight.numpy().flat[0] == 1000.0 * (number + 1) for number, weight in enumerate(model.weights))


@pytest.mark.parametrize("name", ENDINGS)
def test_other_names_for_the_same_layers_are_no_finding(name: str, tmp_path: Path) -> None:
    path = saved(chain(L.Dense(4, name="a"), L.Dense(4, name="b")), tmp_path / name)
    assert ckptdoctor.diff(chain(L.Dense(4, name="first"), L.Dense(4, name="second")), path).fits


@pytest.mark.parametrize("name", ENDINGS)
def test_heads_that_changed_places_are_a_finding_whose_conversion_goes_by_names(name: str, tmp_path: Path) -> None:
    old = heads("colour", "shape")
    path = saved(old, tmp_path / name)
    model = heads("shape", "colour")
    report = ckptdoctor.diff(model, path)
    assert codes(report) == {"order-differs"}
    assert report.agreement is not None
    assert {variable.key for variable, _ in report.agreement.other} == {
        "shape/kernel", "shape/bias", "colour/kernel", "colour/bias",
    }  # fmt: skip
    model.load_weights(path)  # raises nothing
    assert np.array_equal(model.get_layer("shape").kernel, old.get_layer("colour").kernel)
    made = tmp_path / "made.weights.h5"
    ckptdoctor.convert(str(path), str(made), graph=model)
    again = heads("shape", "colour")
    again.load_weights(made)
    for layer in ("trunk", "shape", "colour"):
        assert np.array_equal(again.get_layer(layer).kernel, old.get_layer(layer).kernel)
        assert np.array_equal(again.get_layer(layer).bias, old.get_layer(layer).bias)


@pytest.mark.parametrize("nested", [True, False])
def test_a_backbone_that_is_nested_on_one_side_only_would_fail(nested: bool, tmp_path: Path) -> None:
    def model(*, inner: bool) -> Any:
        start = keras.Input((4,))
        body = keras.Model(start, L.Dense(5, name="two")(L.Dense(4, name="one")(start)), name="body")
        if not inner:
            return keras.Model(start, L.Dense(3, name="head")(body.output))
        outer = keras.Input((4,))
        return keras.Model(outer, L.Dense(3, name="head")(body(outer)))

    path = saved(model(inner=not nested), tmp_path / "m.h5")
    asked = model(inner=nested)
    report = ckptdoctor.diff(asked, path)
    assert codes(report) == {"layers-at-top-level"}
    assert report.load is not None
    with pytest.raises(ValueError, match="Layer count mismatch") as raised:
        asked.load_weights(path)
    assert report.load.error.startswith(f"ValueError: {str(raised.value).splitlines()[0]}")


@pytest.mark.parametrize("name", ENDINGS)
def test_a_bias_that_the_layer_lacks_would_fail(name: str, tmp_path: Path) -> None:
    path = saved(chain(L.Dense(4, name="a"), L.Dense(3, name="b")), tmp_path / name)
    model = chain(L.Dense(4, name="a"), L.Dense(3, name="b", use_bias=False))
    report = ckptdoctor.diff(model, path)
    assert "weights-of-layer" in codes(report), str(report)
    with pytest.raises(ValueError, match=r"expected 1 variables|Weight count mismatch"):
        model.load_weights(path)


def test_a_layer_that_was_never_built_is_a_finding(tmp_path: Path) -> None:
    class Late(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = L.Dense(3), L.Dense(2)

        def call(self, value: Any) -> Any:
            return self.second(self.first(value))

    whole = Late()
    whole(np.zeros((1, 4)))
    path = saved(whole, tmp_path / "m.weights.h5")
    half = Late()
    half.first.build((None, 4))
    report = ckptdoctor.diff(half, path)
    assert "never-built" in codes(report), str(report)
    assert not report.fits


def test_what_by_name_passes_over_is_a_finding(tmp_path: Path) -> None:
    path = saved(chain(L.Dense(4, name="a"), L.Dense(3, name="b")), tmp_path / "m.h5")
    model = fill(chain(L.Dense(4, name="x"), L.Dense(3, name="y")))
    assert ckptdoctor.diff(model, path).fits
    report = ckptdoctor.diff(model, path, by_name=True)
    assert codes(report) == {"passed-over"}
    assert "With `model.load_weights(path, by_name=True)` 0 of 4 variables" in " ".join(str(report).split())
    with pytest.raises(ckptdoctor.UsageError, match="expect-partial"):
        ckptdoctor.diff(model, path, expect_partial=True)
    with pytest.raises(ckptdoctor.UsageError, match="Saver does not bring"):
        ckptdoctor.diff(model, path, loader="Saver")


def test_weights_of_lora_load_exactly_and_quantized_ones_are_never_cast(tmp_path: Path) -> None:
    def model() -> Any:
        return chain(L.Dense(6, name="a"), L.Dense(3, name="b"))

    tuned = model()
    tuned.get_layer("a").enable_lora(2)
    tuned.save_weights(tmp_path / "lora.weights.h5")
    assert ckptdoctor.diff(model(), tmp_path / "lora.weights.h5").fits
    small = model()
    small.quantize("int8")
    small.save_weights(tmp_path / "int8.weights.h5")
    report = ckptdoctor.diff(model(), tmp_path / "int8.weights.h5")
    assert "quantized-weights" in codes(report)
    assert not [remedy for item in report.diagnostics for remedy in item.remedies if remedy.ops]


def test_keys_without_an_object_graph_restore_nothing(tmp_path: Path) -> None:
    import tensorflow as tf

    def program() -> Any:
        return tf.train.Checkpoint(model=chain(L.Dense(4, name="a"), L.Dense(3, name="b")))

    whole, path = program(), str(tmp_path / "whole")
    fill(whole.model)
    whole.write(path)
    reader = tf.train.load_checkpoint(path)
    keys = [key for key in reader.get_variable_to_shape_map() if key.startswith("model/")]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        named = {key: tf.compat.v1.Variable(reader.get_tensor(key)) for key in keys}
        session.run(tf.compat.v1.global_variables_initializer())
        edited = tf.compat.v1.train.Saver(named).save(session, str(tmp_path / "edited"), write_meta_graph=False)
    assert ckptdoctor.diff(program(), path).fits
    for asked in (program(), program().model):
        report = ckptdoctor.diff(asked, edited)
        assert codes(report) == {"no-object-graph"}, str(report)
    again = program()
    before = [weight.numpy().copy() for weight in again.model.weights]
    again.restore(edited)
    assert all(np.array_equal(a, b) for a, b in zip(before, again.model.weights, strict=True))


def test_data_that_is_missing_is_a_finding(tmp_path: Path) -> None:
    ckptdoctor.save(str(tmp_path / "whole.ckpt"), {"w": np.ones(3, np.float32)})
    (tmp_path / "half.ckpt.index").write_bytes((tmp_path / "whole.ckpt.index").read_bytes())
    report = ckptdoctor.diff(str(tmp_path / "whole.ckpt"), str(tmp_path / "half.ckpt"))
    assert codes(report) == {"absent-data"}
    assert report.load is not None
    assert report.load.error.startswith("NotFoundError")


def test_a_head_that_is_left_out_is_clean_and_a_layer_between_is_not(tmp_path: Path) -> None:
    def stored(*names: str) -> str:
        path = str(tmp_path / f"{'_'.join(names)}.ckpt")
        ckptdoctor.save(path, {f"fc{name}/w": np.ones((4, 4), np.float32) for name in names})
        return path

    whole = stored("6", "7", "8")
    assert ckptdoctor.diff(stored("6", "7"), whole).fits
    assert codes(ckptdoctor.diff(stored("6", "8"), whole)) == {"layer-between"}


SITUATIONS: tuple[tuple[str, str, str, dict[str, Any], set[str]], ...] = (
    ("sib-h5-by-order", "small.py", "out/m.h5", {}, set()),
    ("sib-h5-order-swapped", "two.py:new", "out/m.h5", {}, {"order-differs"}),
    ("sib-h5-order-swapped", "two.py:new", "out/m.weights.h5", {}, {"order-differs"}),
    ("sib-depthwise-k2-tf", "mobile.py:mobile", "out/w.h5", {}, set()),
    ("sib-depthwise-k2-tf", "mobile.py:mobile", "out/k2.weights.h5", {}, set()),
    ("effnetv2-2-names-shifted", "backbone.py:headless", "out/m.weights.h5", {}, set()),
    ("effnetv2-2-names-shifted", "backbone.py:headless", "out/m.h5", {}, {"layers-at-top-level"}),
    ("keras-18823-never-built", "combined.py:build", "out/model.weights.h5", {}, set()),
    ("sib-no-object-graph", "translator.py:checkpoint", "out/edited", {}, {"no-object-graph"}),
    ("pair-h5_flat_and_nested", "model.py:build", "flat.h5", {}, {"layers-at-top-level"}),
    ("pair-h5_flat_and_nested", "model.py:build", "nested.h5", {"nested": False}, {"layers-at-top-level"}),
    ("keras-loads", "swap2.py:build", "swap.weights.h5", {}, {"order-differs"}),
    ("keras-loads", "renamed.py:build", "func.weights.h5", {}, set()),
    ("diff-pairs", "whole", "nodata", {}, {"absent-data"}),
)


@pytest.mark.parametrize(("folder", "graph", "checkpoint", "args", "found"), SITUATIONS)
def test_a_situation_of_a_real_user_has_its_right_outcome(
    folder: str,
    graph: str,
    checkpoint: str,
    args: dict[str, Any],
    found: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    directory = SHARED / "situations" / folder
    if not directory.is_dir():
        pytest.skip(f"no situations at {directory}; set CKPTDOCTOR_SHARED to their parent directory")
    monkeypatch.chdir(directory)
    report = ckptdoctor.diff(graph, checkpoint, args=args)
    assert codes(report) == found, str(report)
    assert report.fits == (not found)
